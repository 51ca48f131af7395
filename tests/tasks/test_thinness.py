"""Tasks stay thin, storyboards stay short, and both stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import flows
import tasks

TASK_FILES = sorted(Path(tasks.__file__).parent.glob("[a-z]*.py"))
FLOW_FILES = sorted(Path(flows.__file__).parent.glob("[a-z]*.py"))
BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.AsyncFor, ast.With)


def _decorated(path: Path, decorator: str) -> list[ast.AsyncFunctionDef]:
    """Functions of a file that carry `@decorator` or `@decorator(…)`, all of them async."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [ast.unparse(one).split("(")[0] for one in node.decorator_list]
            if decorator in names:
                assert isinstance(node, ast.AsyncFunctionDef), f"{node.name} is not async"
                found.append(node)
    return found


def test_there_are_tasks_and_flows() -> None:
    """The two tests below look at something."""
    assert sum(len(_decorated(path, "task")) for path in TASK_FILES) >= 8
    assert sum(len(_decorated(path, "flow")) for path in FLOW_FILES) >= 1


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda path: path.stem)
def test_a_task_does_not_branch(path: Path) -> None:
    """A task is one call into the library: deciding is a flow's business or the library's."""
    for task in _decorated(path, "task"):
        assert not [node for node in ast.walk(task) if isinstance(node, BRANCHES)], task.name
        assert len(task.body) <= 2, task.name


@pytest.mark.parametrize("path", FLOW_FILES, ids=lambda path: path.stem)
def test_a_flow_fits_on_a_screen(path: Path) -> None:
    """A storyboard is read in one look."""
    for flow in _decorated(path, "flow"):
        assert flow.end_lineno is not None
        assert flow.end_lineno - flow.lineno <= 40, flow.name


def test_reading_a_storyboard_loads_no_heavy_library() -> None:
    """A second run of an unchanged film never pays for torch, skia or MLflow."""
    code = (
        "import sys, flows.episode;"
        "print([m for m in ('torch', 'diffusers', 'mlflow', 'skia') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
