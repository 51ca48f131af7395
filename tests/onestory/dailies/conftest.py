"""A made-up episode of twelve shots, with pictures, retakes, drift and odd names."""

import colorsys
import io
import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image, ImageDraw

from onestory.dailies.page import (
    DailiesPage,
    DailiesShot,
    DailiesTake,
    RememberedShot,
)
from onestory.documents import digest_of
from onestory.engines.take import CaptionReport, GateResult, NgReason
from onestory.screenplay.episode import Line, Reference

SIZE = (180, 320)
PLACES = ("HARBOUR", "KITCHEN", "LIGHTHOUSE", "NIGHT MARKET")
CAPTIONS = (
    "Wide shot: a young woman with short auburn hair and a mustard coat walks along the harbour.",
    "Medium shot, slow push-in: the same woman stops and looks at a brass lamp in a crate.",
    "Close-up: the same woman lifts the lamp; its glass lights up her face from below.",
    "Wide shot: an old man with a white beard pours tea in a small kitchen with teal cupboards.",
    "Medium shot: the same woman puts the lamp on the table before the same old man.",
    "Close-up, static: the same old man shakes his head and pushes the lamp away.",
    "Two-shot: the same woman and the same old man listen to a foghorn outside.",
    "Wide shot, pan left: the same woman runs up to a white lighthouse in the rain.",
    "Close-up: the same woman hangs the lamp in the dark lantern room.",
    "Wide shot: stalls with paper lanterns; the same old man hands a zither to a boy.",
    "Medium shot: the same woman finds the same old man among the stalls.",
    "Wide shot, static: the same woman and the same old man look up; the lighthouse burns.",
)


def picture(hue: float, at: float, *, is_dark: bool = False) -> Image.Image:
    """A flat landscape with a walking figure, in the colours of one scene."""

    def colour(shift: float, saturation: float, value: float) -> tuple[int, int, int]:
        rgb = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value * (0.08 if is_dark else 1))
        return tuple(round(255 * part) for part in rgb)  # type: ignore[return-value]

    width, height = SIZE
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    for y in range(height):
        draw.line((0, y, width, y), colour(y / height * 0.12, 0.45, 0.95 - 0.35 * y / height))
    draw.ellipse((110, 34, 156, 80), colour(0.5, 0.12, 1.0))
    for layer in range(3):
        base = 170 + 34 * layer
        points = [(x, base + 16 * math.sin(x / 23 + layer * 2 + hue * 9)) for x in range(0, 190, 6)]
        draw.polygon(
            [*points, (190, height), (0, height)], colour(0.06 * layer, 0.55, 0.62 - 0.16 * layer)
        )
    x, swing = 30 + at * 110, 9 * math.sin(at * 25)
    for side in (-1, 1):
        draw.line((x, 268, x + side * swing, 300), colour(0.55, 0.5, 0.2), 7)
    draw.rounded_rectangle((x - 15, 212, x + 15, 272), 11, fill=colour(0.13, 0.75, 0.95))
    draw.ellipse((x - 12, 186, x + 12, 212), fill=(226, 178, 146) if not is_dark else (20, 16, 14))
    draw.pieslice((x - 14, 182, x + 14, 212), 170, 370, fill=colour(0.95, 0.7, 0.4))
    return image


def jpeg(image: Image.Image) -> bytes:
    """The picture as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _gates(index: int, reason: NgReason | None, has_anchor: bool) -> tuple[GateResult, ...]:
    def gate(
        name: str, value: float, limit: float, unit: str, ng: NgReason, evidence: str = ""
    ) -> GateResult:
        is_passed = reason is not ng
        return GateResult(
            gate=name,
            value=value,
            threshold=limit,
            unit=unit,
            is_passed=is_passed,
            reason=None if is_passed else ng,
            evidence=evidence,
            frames=() if is_passed else (15, 16, 17),
        )

    frozen = reason is NgReason.FROZEN
    drift = reason is NgReason.COLOUR_DRIFT
    ran = (
        gate("length", 72, 72, "frames", NgReason.WRONG_LENGTH),
        gate("black", 0, 0.02, "share of frames", NgReason.BLACK),
        gate(
            "frozen",
            57 if frozen else 2,
            30,
            "frames",
            NgReason.FROZEN,
            "The longest hold is 57 of 72 frames, from frame 15.",
        ),
        gate("flicker", 0.31 + 0.07 * index, 4, "grey levels", NgReason.FLICKER),
        gate("sharpness", 0.83 - 0.02 * index, 0.4, "edge ratio", NgReason.SOFT),
    )
    if not has_anchor:
        idle = GateResult(
            gate="colour drift",
            value=None,
            threshold=None,
            unit="",
            is_passed=None,
            evidence="Did not run: this scene has no circled take to compare with.",
        )
        return (*ran, idle)
    evidence = "The mean colour is L* 31 a* 40 b* 2; the scene's anchor has L* 62 a* -4 b* 18."
    value = 61.4 if drift else 7.2 + index
    return (*ran, gate("colour drift", value, 30, "delta E", NgReason.COLOUR_DRIFT, evidence))


def _take(index: int, number: int, reason: NgReason | None, *, is_circled: bool) -> DailiesTake:
    scene = index // 3
    hue = 0.08 + 0.23 * scene + (0.3 if reason is NgReason.COLOUR_DRIFT else 0)
    slate = f"s01e03-sc{scene + 1:02d}-sh{index + 1:03d}-tk{number:02d}"
    is_waiting = is_circled and reason is not None
    words = "waiting for review" if is_waiting else "NG" if reason else "passed"
    return DailiesTake(
        slate=slate,
        address=digest_of(slate.encode()),
        engine="previz 3",
        seed=48271 * (index + 1) * number,
        poster=jpeg(picture(hue, 0.2 + 0.05 * index)),
        strip=tuple(jpeg(picture(hue, at / 5)) for at in range(6)),
        render_seconds=2.1 + 0.3 * index,
        rung="" if number == 1 else ("new seed", "larger memory, stronger guidance")[number - 2],
        results=_gates(index, reason, index % 3 > 0),
        verdict=words,
        is_circled=is_circled,
        is_waiting_for_review=is_waiting,
        remarks=("Two people were placed by default, since the caption names no side.",)
        if index == 6
        else (),
        caption_report=CaptionReport(
            num_words=14, unknown=("zither", "foghorn"), mapped=(("stalls", "market stand"),)
        )
        if index in (6, 9)
        else None,
    )


def _takes(index: int) -> tuple[DailiesTake, ...]:
    if index == 4:
        return (
            _take(4, 1, NgReason.FROZEN, is_circled=False),
            _take(4, 2, None, is_circled=True),
        )
    if index == 7:
        return (
            _take(7, 1, NgReason.FROZEN, is_circled=False),
            _take(7, 2, NgReason.FROZEN, is_circled=False),
            _take(7, 3, NgReason.COLOUR_DRIFT, is_circled=True),
        )
    return (_take(index, 1, None, is_circled=True),)


def _lines(index: int) -> tuple[Line, ...]:
    spoken = {
        1: (Line(character="MARA", text="Somebody left the light behind."),),
        5: (
            Line(character="OLD TOMAS", text="Not in this house.\nNot again.", parenthetical="low"),
            Line(character="MARA", text="Then tell me whose it was."),
        ),
        6: (Line(character="ליאור", text="שמעת את זה? הערפל קורא לנו.", off_screen=True),),
        10: (Line(character="王小明", text="灯塔亮了！你看见了吗？"),),
    }
    return spoken.get(index, ())


def _shot(index: int) -> DailiesShot:
    takes = _takes(index)
    circled = next(take for take in takes if take.is_circled)
    phrases = {
        "a young woman": "MARA",
        "the same woman": "MARA",
        "an old man": "OLD TOMAS",
        "the same old man": "OLD TOMAS",
        "the harbour": "HARBOUR",
        "a small kitchen": "KITCHEN",
    }
    slates = [f"sc{i // 3 + 1:02d}-sh{i + 1:03d}" for i in range(12)]
    earlier = {1: (0,), 2: (1, 0), 4: (2, 3), 5: (3, 4), 6: (4, 5), 7: (2,), 8: (2, 7)}
    earlier |= {10: (4, 9), 11: (7, 10, 0)}
    is_waiting = circled.is_waiting_for_review
    return DailiesShot(
        slate=slates[index],
        scene=index // 3 + 1,
        set_name=PLACES[index // 3],
        setting="night, rain, wide shot" if index // 3 == 2 else "day, wide shot, static",
        caption=CAPTIONS[index],
        references=tuple(
            Reference(phrase=p, name=n) for p, n in phrases.items() if p in CAPTIONS[index]
        ),
        lines=_lines(index),
        num_frames=60 + 12 * (index % 4),
        film_start_frame=sum(60 + 12 * (i % 4) for i in range(index)),
        job="done",
        freshness="stale" if index == 8 else "current",
        verdict="waiting for review" if is_waiting else "circled",
        circled=circled.slate,
        circled_by="the gates" if index != 4 else "Ayşe",
        circled_why="Least bad of 3 takes after the ladder ended."
        if is_waiting
        else "First take that passed every gate that ran.",
        is_waiting_for_review=is_waiting,
        remembered=tuple(
            RememberedShot(shot=slates[i], num_frames=1 + (index + i) % 4, score=0.9 - 0.1 * n)
            for n, i in enumerate(earlier.get(index, ()))
        ),
        takes=takes,
    )


@pytest.fixture(name="page", scope="session")
def _page() -> DailiesPage:
    """The whole made-up episode; its film is not inside."""
    return DailiesPage(
        title="The Lamp That Would Not Go Out",
        episode="the-lamp",
        prefix="s01e03",
        film_name="episode.mp4",
        film_poster=jpeg(picture(0.08, 0.5)),
        subtitles="WEBVTT\n\n00:00.200 --> 00:01.500\nSomebody left the light behind.\n",
        shots=tuple(_shot(index) for index in range(12)),
        warnings=("Two captions hold words that the engine does not know: zither, foghorn.",),
        provenance=(
            ("engine", "previz 3, no weights"),
            ("machine", "cpu-x86_64-avx2"),
            ("script", "sha256:" + "4c" * 32),
            ("disclosure", "Generated by a machine"),
        ),
        made_at="1 March 2026, 06:12 UTC",
    )


@pytest.fixture(name="film", scope="session")
def _film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of two seconds, H.264, small enough to lie inside a page."""
    path = tmp_path_factory.mktemp("film") / "episode.mp4"
    width, height = SIZE
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "12", "-i", "-"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(path)]
    frames = b"".join(np.asarray(picture(0.08, at / 24)).tobytes() for at in range(24))
    subprocess.run(command, input=frames, check=True, timeout=300)
    return path


Chromium = Callable[..., "subprocess.CompletedProcess[str]"]
MOST_LOOKS = 8
"""How often a page is opened whose time, which is the browser's own, is over before a busy machine
has read the film."""


@pytest.fixture(name="chromium")
def _chromium(tmp_path: Path) -> Chromium:
    """Runs the real browser without a window. A missing browser fails the test."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = ["/usr/bin/chromium", "--headless", "--no-sandbox", "--disable-gpu"]
        command += ["--no-first-run", "--disable-background-networking", "--disable-sync"]
        command += ["--disable-component-update", "--hide-scrollbars", "--enable-logging=stderr"]
        command += [f"--user-data-dir={tmp_path / 'browser'}", *arguments]
        for _ in range(MOST_LOOKS):
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
            if 'data-film="waiting"' not in done.stdout:
                break
        return done

    return run
