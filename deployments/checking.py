"""
What happens between `onestory bench engine` and its answer?

    engine and options of the studio ── check after check ── a line each, as it is known
                                                          └── one JSON document
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deployments.studio.settings import StudioSettings


def bench_engine(
    settings: StudioSettings, *, is_quick: bool, say: Callable[[str], None]
) -> dict[str, Any]:
    """
    Look at the studio's engine, in this process, without any service.

    Args:
        settings: Which engine, and its options.
        is_quick: Whether the shot of full length is a small one: to see that it works.
        say: Tells a person of each check as soon as it is done.

    Returns:
        The checks, and whether everything holds that must.

    Raises:
        OrderError: If there is no such engine.
    """
    from onestory.bench.engine import check_engine
    from onestory.bench.looking import State

    checks = []
    for check in check_engine(settings.engine, settings.engine_options, is_quick=is_quick):
        checks.append(asdict(check))
        say(check_text(checks[-1]))
    return {
        "engine": settings.engine,
        "is_quick": is_quick,
        "is_sound": all(check["state"] != State.FAILS for check in checks),
        "checks": checks,
    }


def write_document(path: Path) -> dict[str, Any]:
    """Write which published Wan fits which card."""
    from onestory.bench.wan_cards import document

    path.write_text(document(), "utf-8")
    return {"file": str(path)}


def check_text(check: Mapping[str, Any]) -> str:
    """One line, and another one that says what to do."""
    line = f"{check['name']:<15}{check['state']:<10}{check['found']}"
    return f"{line}\n{'':<25}→ {check['hint']}" if check["hint"] else line


def verdict_text(document: Mapping[str, Any]) -> str:
    """The last line."""
    failed = [check["name"] for check in document["checks"] if check["state"] == "FAILS"]
    warned = [check["name"] for check in document["checks"] if check["state"] == "warns"]
    if failed:
        return f"{document['engine']} does not do as it says: {', '.join(failed)}"
    if warned:
        return f"{document['engine']} does as it says; look at: {', '.join(warned)}"
    return f"{document['engine']} does as it says"
