"""What the doctor finds on a sound machine, and on one with something broken."""

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

from deployments.studio import doctor
from deployments.studio.doctor import Finding, examine
from deployments.studio.settings import read_settings
from onestory.testing.tiny_painter import write_tiny_painter
from onestory.testing.tiny_pocket import write_tiny_weights
from onestory.testing.tiny_wan import write_tiny_published, write_tiny_wan


def _by_name() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(read_settings())}


def test_sound_machine_passes() -> None:
    """Where the tests run, everything that producing needs is there, and says what it is."""
    findings = _by_name()
    wrong = [finding for finding in findings.values() if finding.is_required and not finding.is_ok]

    assert wrong == []
    assert findings["package prefect"].found.startswith("3.")
    assert "ffmpeg version" in findings["ffmpeg"].found
    assert {"ffmpeg libx264", "ffmpeg aac", "ffmpeg subtitles", "name tasks"} <= findings.keys()


def test_findings_are_json() -> None:
    """Everything the doctor prints can be had as JSON."""
    document = json.dumps([finding.model_dump(mode="json") for finding in _by_name().values()])

    assert json.loads(document)[0] == {
        "name": "python",
        "is_ok": True,
        "found": ".".join(str(part) for part in sys.version_info[:3]),
        "hint": "",
        "is_required": True,
    }


@pytest.mark.parametrize(
    ("package", "trap"),
    [("fastapi", "0.165.0"), ("sqlalchemy", "2.1.9"), ("prefect", "3.7.0"), ("mlflow", "4.0.0")],
)
def test_version_traps_are_found(package: str, trap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions under which the server does not start, or schedules never fire, are refused."""
    real = importlib.metadata.version
    monkeypatch.setattr(doctor, "version", lambda name: trap if name == package else real(name))

    finding = _by_name()[f"package {package}"]

    assert not finding.is_ok
    assert finding.is_required
    assert finding.found == trap
    assert "pip install" in finding.hint


def test_foreign_owner_of_our_name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package that installs a module called `tasks` is named."""
    monkeypatch.setattr(doctor, "packages_distributions", lambda: {"tasks": ["taskmaster"]})

    findings = _by_name()

    assert not findings["name tasks"].is_ok
    assert "uninstall taskmaster" in findings["name tasks"].hint
    assert findings["name flows"].is_ok


def test_broken_ffmpeg_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program called ffmpeg that does not run is no ffmpeg."""
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(broken))

    finding = _by_name()["ffmpeg"]

    assert not finding.is_ok
    assert "IMAGEIO_FFMPEG_EXE" in finding.hint


def test_missing_voice_does_not_forbid_a_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without espeak-ng and a browser a film can be produced, so neither is required."""
    monkeypatch.setenv("PATH", "/nowhere")

    findings = _by_name()

    assert not findings["espeak-ng"].is_ok
    assert not findings["espeak-ng"].is_required
    assert not findings["chromium"].is_ok
    assert "apt-get install" in findings["chromium"].hint


def test_too_many_threads_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """More threads than cores make rendering slower, and the doctor says so."""
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")

    assert "at most" in _by_name()["cores"].hint


def test_missing_weights_are_found(tmp_path: Path) -> None:
    """An engine whose weights lie nowhere cannot film, and the doctor says how to get some."""

    def weights(engine: str, folder: Path) -> list[Finding]:
        settings = read_settings(engine=engine, engine_options={"weights": str(folder)})
        return [finding for finding in examine(settings) if finding.name == "weights"]

    there = write_tiny_weights(tmp_path / "weights")

    assert [finding.is_ok for finding in weights("pocket", there)] == [True]
    assert [finding.is_ok for finding in weights("pocket", tmp_path / "none")] == [False]
    assert weights("pocket", tmp_path / "none")[0].hint == "train them with: onestory train pocket"
    assert weights("previz", tmp_path / "none") == []


def test_what_a_wan_takes_is_said_before_it_is_loaded(tmp_path: Path) -> None:
    """The doctor names the model and counts its weights; a folder that holds none is found."""

    def found(folder: Path, **options: object) -> dict[str, Finding]:
        options = {"weights": str(folder), "device": "cpu", **options}
        findings = examine(read_settings(engine="wan", engine_options=options))
        return {finding.name: finding for finding in findings}

    folder = write_tiny_wan(tmp_path / "tiny", "ti2v")

    there = found(folder)
    assert there["weights"].found == f"Wan2.2-TI2V in {folder}"
    assert "121 frames of 704x1280 with 1 remembered: step" in there["device memory"].found
    huge = found(folder, config={"area": 10**9, "stretch_frames": 10**9})["device memory"]
    assert (huge.is_ok, huge.is_required) == (False, False)
    assert "smaller area" in huge.hint
    assert not found(tmp_path / "none")["weights"].is_ok
    assert "no choice 'step'" in found(folder, config={"step": 3})["weights"].found
    memory = str(write_tiny_published(tmp_path / "memory", "memento"))
    refused = found(folder, memory_weights=memory)["weights"]
    assert "published memories are for Wan2.2-I2V-A14B" in refused.found
    pair = write_tiny_wan(tmp_path / "pair", "a14b-i2v")
    remembering = found(pair, memory_weights=memory)
    assert remembering["weights"].found.endswith(", with the memory of Memento")
    assert "device memory" in remembering


def test_who_paints_first_frames_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    """The doctor finds folders that cannot paint, and those that cannot start from a sheet."""
    film = write_tiny_wan(tmp_path / "film", "i2v")

    def said(folder: Path, **config: object) -> dict[str, Finding]:
        options = {"weights": str(film), "keyframes": str(folder), "keyframe_config": config}
        settings = read_settings(engine="wan", engine_options=options)
        return {one.name: one for one in doctor._wan(settings)}

    def found(folder: Path, **config: object) -> Finding:
        return said(folder, **config)["first frames"]

    pictures = write_tiny_painter(tmp_path / "pictures")
    words = write_tiny_painter(tmp_path / "words", "sana")

    assert found(pictures).found.endswith("from captions and reference sheets")
    assert found(words, strength=0).found.endswith("from captions alone")
    assert said(pictures)["device memory"].found.endswith("; painter 0.0")
    refused = found(words)
    assert (refused.is_ok, refused.hint) == (False, "set strength in keyframe_config to 0")
    assert "holds a WanImageToVideoPipeline, and first frames are painted" in found(film).found


def test_home_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    """A home under something that is no folder is refused."""
    (tmp_path / "file").write_text("")
    findings = examine(read_settings(home=tmp_path / "file" / "home"))
    home = next(finding for finding in findings if finding.name == "home")

    assert not home.is_ok
    assert "--home" in home.hint


def test_disk_that_is_full_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less free space than a season of takes needs is found before it hurts."""
    monkeypatch.setattr(doctor, "_MIN_FREE_DISK_BYTES", 2**62)

    assert not _by_name()["disk"].is_ok
