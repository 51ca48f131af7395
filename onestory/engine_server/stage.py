"""
How does a recipe become a take that lies in the vault?

    recipe ── engine ── frame, frame, … ──┬── encoder (x264 in a process of its own)
                                          └── meter
    then: file checked ── blobs ── measures ── take document, last

Frames are encoded and measured while the next ones are made, so that a take costs little
more than its rendering. Media that nobody can read never becomes a take: it goes to
quarantine, and the same recipe may be tried again.
"""

import logging
import os
import platform
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from onestory.continuity.gates import GateThresholds, gates_fingerprint, judge
from onestory.continuity.measures import FrameMeasures, FrameMeter
from onestory.cut.clip import conformed
from onestory.cut.encode import VideoWriter, frame_to_jpeg, frame_to_png
from onestory.cut.probe import decode_frames, probe_video
from onestory.documents import Digest
from onestory.engine_server.looking import Glimpses, Lookout
from onestory.engine_server.memory import Archive
from onestory.engine_server.messages import RecallRequest
from onestory.engines.latents import unpack_latents
from onestory.engines.protocol import Engine, Footage, Frame
from onestory.engines.recipe import IMPORTED, Recipe
from onestory.engines.take import Comparison, Media, Take, Timings, Verdict
from onestory.errors import (
    CorruptBlobError,
    EngineFaultError,
    MediaError,
    MissingBlobError,
    OutOfMemoryError,
)
from onestory.memory.lineage import Remembered
from onestory.vault.store import Vault

logger = logging.getLogger("onestory.engine_server")

FRAMES_IN_FLIGHT = 8
"""How far an engine may be ahead of the encoder, in frames."""

FRESH_TAKES = 64
"""How many takes are judged without reading them back."""

PIXEL_LIBRARIES = ("numpy", "skia-python", "torch", "diffusers", "imageio-ffmpeg", "av")
"""Libraries whose versions stand in every camera report."""


def machine_class() -> str:
    """
    Name of the class of machines on which equal recipes give equal bytes.

    Threads belong to it: a sum that is shared among more of them is rounded otherwise. So does the
    GPU, if one is in use.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        card = torch.cuda.get_device_name().lower().replace(" ", "-")
        return f"{platform.system().lower()}-{platform.machine()}-{card}"
    threads = os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1
    return f"{platform.system().lower()}-{platform.machine()}-cpu-{threads}"


@dataclass(slots=True)
class TakeControl:
    """How a running take reports and is stopped. One per take."""

    has_bigger_device: bool = False
    """Whether a bigger device takes the film over if this one's memory is too small."""
    share: float = 0.0
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def progress(self, share: float) -> None:
        """Say how much is done, in [0, 1]."""
        self.share = share

    def cancel(self) -> None:
        """Ask the engine to stop at its next step."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise `EngineFaultError` if the take was cancelled."""
        if self._cancelled.is_set():
            raise EngineFaultError("the take was cancelled before it was finished")


@dataclass(slots=True)
class _Developed:
    """Footage once every frame went by."""

    video: bytes
    measures: FrameMeasures
    glimpses: Glimpses
    first: Frame
    middle: Frame
    last: Frame
    render_seconds: float
    encode_seconds: float


class Stage:
    """An engine, a vault, and the way from one to the other. Not for concurrent renders."""

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        *,
        lookout: Lookout | None = None,
        thresholds: GateThresholds | None = None,
    ) -> None:
        """
        Args:
            engine: Makes the takes.
            vault: Keeps them.
            lookout: Looks at them for the content gates; None if these do not run.
            thresholds: Of the technical gates.
        """
        self.engine = engine
        self.vault = vault
        self.lookout = lookout
        self.thresholds = thresholds or GateThresholds()
        self._archive = Archive(vault)
        # A take is judged right after it was shot, and anchors the shots that follow: what was
        # just written need not be read.
        self._fresh: OrderedDict[Digest, tuple[Take, FrameMeasures]] = OrderedDict()

    def find(self, recipe: Recipe) -> Take | None:
        """The whole take of that recipe, if it was finished before."""
        return self.vault.find_take(recipe.digest)

    def shoot(
        self,
        recipe: Recipe,
        *,
        slate: str,
        control: TakeControl,
        lineage: tuple[Remembered, ...] = (),
    ) -> Take:
        """
        Render a take and store it whole.

        Raises:
            RenderError: If the engine cannot make it, or the lineage is not the recipe's.
            EngineFaultError: If the engine broke down, or the take was cancelled.
            MediaError: If the media could not be read; it lies in quarantine.
            CorruptBlobError: If what it remembers is damaged.
            StorageError: If the vault was away.
        """
        keyframe = self._keyframe(recipe)
        memory = self._archive.recalled(recipe, lineage, slate=slate)
        with _faults_named(slate):
            started = time.perf_counter()
            if recipe.engine.name == IMPORTED:
                footage = self._imported(recipe)
            else:
                footage = self.engine.render(
                    recipe, keyframe=keyframe, memory=memory, control=control
                )
            # Some engines draw everything before they hand over the first frame.
            drawing_seconds = time.perf_counter() - started
            if footage.latents is not None:
                unpack_latents(footage.latents)  # what nobody can read is better known now
            developed = self._develop(footage, recipe, slate, control)
            developed.render_seconds += drawing_seconds
        take = self._store(recipe, slate, lineage, footage, developed)
        self._archive.add(take, footage.latents)
        return take

    def recall(self, request: RecallRequest) -> tuple[Remembered, ...]:
        """
        What a take of a recipe would remember of earlier takes.

        Raises:
            EngineFaultError: If the engine broke down.
            CorruptBlobError: If latents that it read are damaged or gone.
            MissingBlobError: If a take is gone.
        """
        earlier = self._archive.earlier(request.takes, spoilt=request.spoilt)
        with _faults_named(request.slate):
            return self.engine.recall(
                request.recipe, earlier, has_people_first=request.has_people_first
            )

    def draw_keyframe(
        self,
        recipe: Recipe,
        *,
        slate: str,
        control: TakeControl,
        lineage: tuple[Remembered, ...] = (),
    ) -> Digest:
        """Draw the first frame of a recipe, from its reference sheet if it names one; a PNG."""
        start = self._keyframe(recipe)
        memory = self._archive.recalled(recipe, lineage, slate=slate)
        with _faults_named(slate):
            frame = self.engine.keyframe(recipe, start=start, memory=memory, control=control)
        blob = self.vault.put_blob(frame_to_png(frame), media_type="image/png")
        answer = {"blob": blob, "recipe": recipe.model_dump(mode="json")}
        self.vault.put_lookup("keyframe", recipe.digest, answer)
        return blob

    def find_keyframe(self, recipe: Recipe) -> Digest | None:
        """The keyframe that was drawn of that recipe before."""
        answer = self.vault.find_lookup("keyframe", recipe.digest)
        return Digest(answer["blob"]) if answer else None

    def judge(self, address: Digest, comparison: Comparison) -> Verdict:
        """
        What the gates say of a stored take; the answer is stored too.

        Args:
            address: Which take.
            comparison: What it is held against.

        Raises:
            MissingBlobError: If there is no such take.
        """
        lookout = self.lookout
        looked_by = lookout.digest if lookout else None
        question = comparison.question(gates_fingerprint(self.thresholds, looked_by=looked_by))
        known = self.vault.find_verdict(address, question)
        if known is not None:
            return known
        take, measures = self._measured(address)
        anchor = comparison.anchor
        verdict = judge(
            take.recipe,
            measures,
            comparison=comparison,
            anchor=self._measured(anchor)[1] if anchor else None,
            content=lookout.results(take, measures, comparison) if lookout and measures else (),
            looked_by=looked_by,
            encoders=lookout.eyes.fingerprint if lookout else None,
            thresholds=self.thresholds,
        )
        self.vault.put_verdict(verdict)
        return verdict

    def _measured(self, address: Digest) -> tuple[Take, FrameMeasures | None]:
        """A take and what was measured of it: from memory if it is fresh, else the vault."""
        if address in self._fresh:
            return self._fresh[address]
        take = self.vault.get_take(address)
        return take, self._measures(take)

    def _imported(self, recipe: Recipe) -> Footage:
        """A person's footage as a take."""
        show = partial(
            conformed,
            self.vault.get_blob(Digest(recipe.engine.weights)),
            width=recipe.width,
            height=recipe.height,
            fps=recipe.fps,
            num_frames=recipe.num_frames,
        )
        return Footage(frames=show(), latents=self.engine.latents_of(recipe, show()))

    def _keyframe(self, recipe: Recipe) -> Frame | None:
        if recipe.keyframe is None:
            return None
        picture = Image.open(BytesIO(self.vault.get_blob(recipe.keyframe))).convert("RGB")
        return np.asarray(picture, dtype=np.uint8)

    def _develop(
        self, footage: Footage, recipe: Recipe, slate: str, control: TakeControl
    ) -> _Developed:
        with TemporaryDirectory(prefix="onestory-take-") as folder:
            path = Path(folder) / "take.mp4"
            if footage.video is not None:
                return self._check_delivered(footage.video, recipe, slate)
            return self._encode(footage, recipe, slate, path, control)

    def _encode(
        self, footage: Footage, recipe: Recipe, slate: str, path: Path, control: TakeControl
    ) -> _Developed:
        meter, watched = FrameMeter(), _Watched(recipe)
        started = time.perf_counter()
        # Writing and metering a frame take about as long as drawing a simple one.
        waiting: deque[Future[None]] = deque()
        with (
            VideoWriter(path, width=recipe.width, height=recipe.height, fps=recipe.fps) as writer,
            ThreadPoolExecutor(1) as pool,
        ):
            for frame in footage.frames or iter(()):
                control.check()
                watched.see(frame)
                waiting.append(pool.submit(_take_in, frame, writer, meter))
                if len(waiting) > FRAMES_IN_FLIGHT:
                    waiting.popleft().result()
            rendered = time.perf_counter()
            for one in waiting:
                one.result()
        video = path.read_bytes()
        facts = self._readable(video, slate, decode=False)
        if facts != meter.measures().num_frames:
            self._quarantine(video, slate, f"holds {facts} of {watched.num_frames} frames")
        first, middle, last = watched.chosen()
        return _Developed(
            video,
            meter.measures(),
            watched.glimpses,
            first,
            middle,
            last,
            rendered - started,
            time.perf_counter() - rendered,
        )

    def _check_delivered(self, video: bytes, recipe: Recipe, slate: str) -> _Developed:
        """Read a video that the engine encoded by itself, from end to end."""
        started = time.perf_counter()
        self._readable(video, slate, decode=True)
        meter, watched = FrameMeter(), _Watched(recipe)
        for frame in decode_frames(video):
            meter.add(frame)
            watched.see(frame)
        first, middle, last = watched.chosen()
        seconds = time.perf_counter() - started
        measures = meter.measures()
        return _Developed(video, measures, watched.glimpses, first, middle, last, 0.0, seconds)

    def _readable(self, video: bytes, slate: str, *, decode: bool) -> int:
        """Number of frames in a video, or quarantine."""
        try:
            return probe_video(video, decode=decode).num_frames
        except MediaError as error:
            self._quarantine(video, slate, error.message)
            raise AssertionError("quarantine always raises") from error

    def _quarantine(self, video: bytes, slate: str, why: str) -> None:
        key = self.vault.quarantine(video, slate=slate)
        raise MediaError(
            f"media of {len(video)} bytes is unreadable: {why}",
            slate=slate,
            hint=f"it lies under {key}; the same recipe is tried again",
        )

    def _store(
        self,
        recipe: Recipe,
        slate: str,
        lineage: tuple[Remembered, ...],
        footage: Footage,
        developed: _Developed,
    ) -> Take:
        started = time.perf_counter()
        put = self.vault.put_blob
        frame_HWC = developed.first
        with ThreadPoolExecutor(4) as pool:
            video = pool.submit(put, developed.video, media_type="video/mp4")
            poster = pool.submit(put, frame_to_jpeg(developed.middle), media_type="image/jpeg")
            first = pool.submit(put, frame_to_png(developed.first), media_type="image/png")
            last = pool.submit(put, frame_to_png(developed.last), media_type="image/png")
            latents = pool.submit(put, footage.latents) if footage.latents else None
            pool.submit(
                self.vault.put_measures,
                recipe.digest,
                developed.measures.model_dump(mode="json"),
            ).result()
        media = Media(
            video=video.result(),
            poster=poster.result(),
            first_frame=first.result(),
            last_frame=last.result(),
            latents=latents.result() if latents else None,
            num_frames=developed.measures.num_frames,
            width=frame_HWC.shape[1],
            height=frame_HWC.shape[0],
            fps=recipe.fps,
            video_bytes=len(developed.video),
        )
        take = Take(
            slate=slate,
            recipe=recipe,
            lineage=lineage,
            media=media,
            caption_report=footage.caption_report,
            remarks=footage.remarks,
            timings=Timings(
                render_seconds=round(developed.render_seconds, 4),
                encode_seconds=round(developed.encode_seconds, 4),
                store_seconds=round(time.perf_counter() - started, 4),
            ),
            machine=machine_class(),
            versions=tuple((name, version(name)) for name in PIXEL_LIBRARIES),
            rendered_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self.vault.put_take(take)
        if self.lookout is not None:
            self.lookout.keep(take.address, developed.glimpses)
        self._fresh[take.address] = (take, developed.measures)
        while len(self._fresh) > FRESH_TAKES:
            self._fresh.popitem(last=False)
        logger.info(
            "take.stored slate=%s take=%s render_seconds=%.3f",
            slate,
            take.address,
            take.timings.render_seconds,
        )
        return take

    def _measures(self, take: Take) -> FrameMeasures | None:
        """What was measured of a take: as stored, or else from its video; None if unreadable."""
        stored = self.vault.find_measures(take.address)
        if stored is not None:
            return FrameMeasures.model_validate(stored)
        meter = FrameMeter()
        try:
            for frame in decode_frames(self.vault.get_blob(take.media.video)):
                meter.add(frame)
        except (MediaError, MissingBlobError, CorruptBlobError) as error:
            logger.warning("take.unreadable slate=%s cause=%s", take.slate, error)
            return None
        return meter.measures()


def _take_in(frame: Frame, writer: VideoWriter, meter: FrameMeter) -> None:
    """Encode and measure one frame."""
    writer.write(frame)
    meter.add(frame)


class _Watched:
    """Keeps the first, the middle and the last of frames that go by once, and a few to look at."""

    def __init__(self, recipe: Recipe) -> None:
        self.num_frames = 0
        self.glimpses = Glimpses(recipe.num_frames)
        self._every = 1
        self._kept: list[Frame] = []
        self._last: Frame | None = None

    def see(self, frame: Frame) -> None:
        """Look at the next frame."""
        if self.num_frames % self._every == 0:
            self._kept.append(frame)
            if len(self._kept) > 8:
                self._kept = self._kept[::2]
                self._every *= 2
        self._last = frame
        self.num_frames += 1
        self.glimpses.see(frame)

    def chosen(self) -> tuple[Frame, Frame, Frame]:
        """First, about the middle, last. Raises MediaError if no frame went by."""
        if self._last is None:
            raise MediaError("the engine delivered no frame at all")
        return self._kept[0], self._kept[len(self._kept) // 2], self._last


@contextmanager
def _faults_named(slate: str) -> Iterator[None]:
    """Whatever an engine's own code raises becomes an `EngineFaultError` that names the take, or
    the error that no retry follows if there was no memory left."""
    try:
        yield
    except OutOfMemoryError as error:
        raise OutOfMemoryError(error.message, slate=slate, hint=error.hint) from error
    except MemoryError as error:
        raise OutOfMemoryError(
            "the engine has too little main memory",
            slate=slate,
            hint="give its machine more, or draw fewer pixels or frames",
        ) from error
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, OSError) as error:
        raise EngineFaultError(
            f"the engine raised {type(error).__name__}: {error}", slate=slate
        ) from error
