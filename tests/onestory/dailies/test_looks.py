"""The page looks right on a desk and on a phone, and its keys work, in a real browser."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onestory.dailies.page import DailiesPage
from onestory.dailies.rendering import render_page

Chromium = Callable[..., "subprocess.CompletedProcess[str]"]

PROBE = """
<script>
addEventListener("load", () => setTimeout(() => {
  const say = (name, value) => document.body.setAttribute("data-" + name, value);
  const press = (key) => document.body.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  document.documentElement.style.scrollBehavior = "auto";
  say("overflow", document.documentElement.scrollWidth - innerWidth);
  press("j"); say("first", location.hash);
  press("j"); press("j"); say("third", location.hash);
  press("k"); say("back", location.hash);
  press("g"); say("top", scrollY);
  const scrub = document.querySelector(".scrub"), box = scrub.getBoundingClientRect();
  scrub.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width * .6 }));
  say("scrub", [...scrub.querySelectorAll(".frame")].findIndex(f => f.matches(".on")));
  const node = document.querySelectorAll(".node")[7];
  node.dispatchEvent(new PointerEvent("pointerenter"));
  say("lit", document.querySelectorAll(".arc.lit").length);
  const film = document.querySelector("#film");
  say("cues", film.textTracks[0].cues ? film.textTracks[0].cues.length : "none");
}, 400));
</script>
"""


def _probed(page: DailiesPage) -> str:
    """The page with a script that tries it out; the policy is lifted for that script alone."""
    document = render_page(page)
    document = re.sub(r"<meta http-equiv[^>]*>", "", document)
    return document.replace("</body>", PROBE + "</body>")


@pytest.mark.parametrize("width", [1280, 500])
def test_keys_scrubbing_and_memory_work(
    page: DailiesPage, film: Path, tmp_path: Path, chromium: Chromium, width: int
) -> None:
    """Keys walk the shots, the pointer runs over the strip, nothing sticks out sideways."""
    inside = page.model_copy(update={"film": film.read_bytes()})
    path = tmp_path / "page.html"
    path.write_text(_probed(inside), encoding="utf-8")
    size = f"--window-size={width},900"
    done = chromium(size, "--virtual-time-budget=4000", "--dump-dom", path.as_uri())
    found = re.search(r"<body[^>]*>", done.stdout)
    assert found is not None
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', found.group(0)))
    assert said["overflow"] == "0"
    assert (said["first"], said["third"], said["back"]) == ("#shot-1", "#shot-3", "#shot-2")
    assert said["top"] == "0"
    assert said["scrub"] == "3"
    assert said["lit"] == "3"
    assert said["cues"] == "1"


@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_is_drawn(
    page: DailiesPage, film: Path, tmp_path: Path, chromium: Chromium, width: int
) -> None:
    """A screenshot is dark, has the film's picture in colour, and light words beside it."""
    inside = page.model_copy(update={"film": film.read_bytes()})
    path, shot = tmp_path / "page.html", tmp_path / "page.png"
    path.write_text(render_page(inside), encoding="utf-8")
    size = f"--window-size={width},1400"
    done = chromium(size, "--virtual-time-budget=2000", f"--screenshot={shot}", path.as_uri())
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    rgb = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    assert rgb.shape == (1400, width, 3)
    luma = rgb.mean(axis=2)
    assert np.median(luma) < (40 if width == 1280 else 140)
    colourful = (rgb.max(axis=2) - rgb.min(axis=2)) > 60
    assert colourful.mean() > 0.08
    assert (luma > 220).mean() > 0.003
