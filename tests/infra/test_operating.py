"""The operator's page quotes what the studio says, and no message that it never says."""

import re
from pathlib import Path

import mlflow.server.security_utils
import mlflow.store.db.utils
import prefect.exceptions

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operating.md"
PACKAGES = ("onestory", "tasks", "flows", "deployments")
OF_MINIO = {"AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "XMinioStorageFull"}
"""Codes of MinIO, which the vault hands on."""


def _said() -> str:
    """Everything that may be said, with literals that go on in the next line made one."""
    files = [file for name in PACKAGES for file in (ROOT / name).rglob("*.py")]
    modules = (mlflow.server.security_utils, mlflow.store.db.utils, prefect.exceptions)
    files += [Path(str(module.__file__)) for module in modules]
    text = "\n".join(file.read_text() for file in files)
    return re.sub(r"\"\s*\n\s*\+?\s*f?\"", "", text)


def _quoted() -> list[str]:
    blocks = re.findall(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_every_message_is_one_of_ours_or_theirs() -> None:
    """Whoever searches the code for what the page quotes finds it."""
    said = _said()
    for message in _quoted():
        code = next((code for code in OF_MINIO if f"answered {code} " in message), "")
        # What an HTTP client makes of an answer is in no file of ours.
        if message.startswith("Client error '401"):
            continue
        parts = [part.strip() for part in message.replace(code or "…", "…").split("…")]
        missing = [part for part in parts if part and part not in said]

        assert missing == [], message


def test_the_page_has_ten_failures_with_their_messages() -> None:
    """Each is numbered, and all but the one that says nothing quote what is seen."""
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]

    assert [section.split(".")[0] for section in sections] == [str(n) for n in range(1, 11)]
    assert [section for section in sections if "```text" not in section] == sections[9:]
    assert len(_quoted()) >= 15


def test_every_make_believe_message_is_found_out() -> None:
    """A message that nobody raises would not pass."""
    assert "the engine has run out of film" not in _said()


def test_links_and_files_of_the_pages_are_there() -> None:
    """What the pages name in the project exists."""
    for page in (PAGE, ROOT / "infra" / "README.md"):
        named = re.findall(r"`((?:infra|tests|docs|deployments)/[\w./-]+)`", page.read_text())

        assert named
        generated = {"infra/compose/.env"}
        assert {name for name in named if not (ROOT / name).exists()} <= generated, page.name
