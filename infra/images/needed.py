"""
What does the worker's image install before the wheel of this project?

    needed.py            prints the dependencies of pyproject.toml that weights.lock does not bring
    needed.py --check    refuses an image in which a stranger holds one of our top-level names
"""

import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

OURS = ("onestory", "tasks", "flows", "deployments")


def needed(folder: Path) -> list[str]:
    """Requirements, as pip reads them; their versions are those of requirements.lock."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    brought = set((folder / "weights.lock").read_text().splitlines())
    return [requirement for requirement in project["dependencies"] if requirement not in brought]


def strangers() -> dict[str, list[str]]:
    """Distributions other than ours that write into our packages; pip does not mind them."""
    holders = packages_distributions()
    found = {name: sorted(set(holders.get(name, ["nobody"]))) for name in OURS}
    return {name: held for name, held in found.items() if held != ["onestory-studio"]}


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(
            f"top-level names that are not ours alone: {found}" if (found := strangers()) else 0
        )
    sys.stdout.write("\n".join(needed(Path.cwd())) + "\n")
