"""
How does the pocket model draw a shot of any length? Stretch after stretch, with one memory.

    recalled frames ── conditioner ── prefill ──► memory, read by every step of every stretch
    noise 0 ──► stretch 0, 17 frames ── last frame, coded anew ──► first frame of stretch 1
    noise 1 ──► stretch 1, 16 more frames ── …

One latent frame is a picture: keyframes come from the same weights. The engine draws by these
functions, and so does the validation of a training run.

Shape suffixes, for this module only:
    C  latent channels   F  latent frames   h, w  latent cells   K  recalled frames, best first
    T  caption tokens    E  width of a token; in frames: T frames, H, W pixels
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from onestory.diffusion.blocking import blocking_of, figures_of
from onestory.diffusion.codec import TIME, BlockCodec, latent_middles, load_codec, num_latent_frames
from onestory.diffusion.kv import MemoryCache
from onestory.diffusion.plain_attention import PlainAttention
from onestory.diffusion.pocket import PocketModules, load_modules
from onestory.diffusion.sampling import Sampling, sample
from onestory.diffusion.text import MAX_TOKENS, MiniLmText, shared_text
from onestory.diffusion.told import Told
from onestory.engines.latents import Latents
from onestory.engines.pocket.picture import CELL, Grid
from onestory.engines.protocol import Frame
from onestory.memory.bank import MemoryBank
from onestory.memory.policies import LEARNED, UNTRAINED, NextShot, learned, people_first
from onestory.memory.recall import Recall, recall
from onestory.memory.showing import SHOWN, Cast
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.standins import StandIns

LATENT_FRAMES = 5
"""Latent frames of a stretch: what the model was trained on."""

FRAMES = 1 + TIME * (LATENT_FRAMES - 1)
"""Frames of a stretch."""

USUAL = Sampling()
"""How shots are drawn unless somebody knows better."""

AtStep = Callable[[float], None]
"""Is told how much is done, in (0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocking:
    """Says who stands where at frames that are drawn."""

    told: Callable[[Sequence[int]], torch.Tensor]
    """To the transformer: `P F h w`; see `onestory.diffusion.blocking`."""
    sketched: Callable[[Sequence[int]], torch.Tensor] | None = None
    """To the decoder: `T H W 3`, uint8, as large as it decodes; None if it does not look."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Frames that follow those of the stretch before."""

    frames_THW3: Frame
    """`T H W 3`, uint8, as large as the codec decodes."""
    latents_FChw: Latents
    """Of these frames; the one that repeats the stretch before is left out."""


class PocketModel:
    """Everything that draws, loaded. One shot at a time; reading and recalling may go on beside."""

    def __init__(self, modules: PocketModules, codec: BlockCodec, text: MiniLmText) -> None:
        """
        Put a model together.

        Args:
            modules: Trained modules.
            codec: Makes frames of latents and latents of frames.
            text: Reads captions.
        """
        self.modules = modules.eval().requires_grad_(False)
        self.codec = codec.eval()
        self.text = text
        self._describer = copy.deepcopy(self.modules.selector).double()

    def read(self, told: Told) -> torch.Tensor:
        """Read a caption, and whom its words are about: `T E`, without padding, float32."""
        return self.text.read_told(told)

    def recall(
        self,
        bank: MemoryBank,
        text_TE: torch.Tensor,
        *,
        shot: int,
        budget: float,
        cast: Cast | None = None,
        policy: str = LEARNED,
        has_people_first: bool = False,
    ) -> Recall:
        """
        Choose what a shot remembers.

        Args:
            bank: Earlier shots.
            text_TE: What `read` says of the caption.
            shot: Number of the shot, higher than those of the bank.
            budget: Most tokens, in latent-frame equivalents.
            cast: Who and what is in the shot; None if nobody knows.
            policy: Who chooses: the trained selector, or one of `UNTRAINED`.
            has_people_first: Whether frames that show the cast's people come before all others.
        """
        chooses = learned(self.modules.selector) if policy == LEARNED else UNTRAINED[policy]
        # In float32 throughout: the choice is part of a take's name and should hang on no rounding.
        return recall(
            bank,
            people_first(chooses) if has_people_first else chooses,
            NextShot(shot=shot, text_TE=text_TE, cast=cast),
            budget=budget,
        )

    def describe(self, latents_FChw: torch.Tensor) -> torch.Tensor:
        """Say by what the selector knows frames: `F E`, float32, of length 1."""
        # By its looks alone: what it shows hangs on who asks.
        padding = (0, 0, 0, 0, 0, SHOWN)
        # In float64, so that not even the last bit hangs on how many threads add up.
        with torch.inference_mode():
            told_FChw = torch.nn.functional.pad(latents_FChw.double(), padding)
            return self._describer.describe(told_FChw).float()

    def block(self, scene: SceneSpec, grid: Grid, shown: Sequence[int]) -> Blocking:
        """
        Let stand-ins show who stands where.

        Args:
            scene: What is shot.
            grid: Size of the frames.
            shown: Of every frame that is drawn, which frame of the scene it is.
        """
        stand_ins = StandIns(scene, rows=grid.rows, columns=grid.columns, cell=CELL)
        fine = StandIns(scene, rows=grid.rows, columns=grid.columns, cell=CELL * self.codec.upscale)

        def sketched(frames: Sequence[int]) -> torch.Tensor:
            return torch.from_numpy(np.stack([fine.sketch(shown[index]) for index in frames]))

        return Blocking(
            told=lambda frames: blocking_of(
                stand_ins, self.codec, [shown[index] for index in frames]
            ),
            sketched=sketched if self.codec.is_guided else None,
        )

    def figures(
        self, scene: SceneSpec, grid: Grid, shown: Sequence[int], setting: str
    ) -> dict[str, torch.Tensor]:
        """
        Say by name who and what is seen where.

        Args:
            scene: What is shot.
            grid: Size of the frames.
            shown: Frames of the scene.
            setting: Name of its set.

        Returns:
            `F h w` of everybody and of the set; see `onestory.memory.showing`.
        """
        stand_ins = StandIns(scene, rows=grid.rows, columns=grid.columns, cell=CELL)
        return figures_of(stand_ins, self.codec, shown, setting)

    def remember(
        self,
        latents_KChw: torch.Tensor,
        levels: Sequence[int],
        shown_KOhw: torch.Tensor | None = None,
        staged_KShw: torch.Tensor | None = None,
    ) -> MemoryCache | None:
        """
        Turn recalled frames into what every step reads.

        Args:
            latents_KChw: The frames, best first; may be none.
            levels: How finely each of them is cut.
            shown_KOhw: What their cells show, in the terms of the shot; None if nobody knows.
            staged_KShw: Where on the stage their cells are; None if nobody knows.

        Returns:
            Keys and values; None if there is nothing to remember.
        """
        if not len(levels):
            return None
        with torch.inference_mode(), PlainAttention(), torch.autocast("cpu", torch.bfloat16):
            return self.modules.remember(
                latents_KChw[None],
                tuple(levels),
                None if shown_KOhw is None else shown_KOhw[None],
                None if staged_KShw is None else staged_KShw[None],
            )

    def encode(self, frame_HW3: Frame) -> torch.Tensor:
        """Code a frame as large as a grid, as the first of a stretch: `C h w`."""
        picture = torch.from_numpy(np.array(frame_HW3))[None, None]
        return self.codec.encode(picture)[0, :, 0]

    def draw(
        self,
        text_TE: torch.Tensor,
        *,
        grid: Grid,
        num_frames: int,
        seed: int,
        memory: MemoryCache | None = None,
        first_Chw: torch.Tensor | None = None,
        blocking: Blocking | None = None,
        sampling: Sampling = USUAL,
        at_step: AtStep = lambda _: None,
    ) -> Iterator[Stretch]:
        """
        Draw a shot.

        Args:
            text_TE: What `read` says of the caption.
            grid: Size of the frames.
            num_frames: How many, as drawn; 1 for a picture.
            seed: Decides the noise, on every machine alike.
            memory: What `remember` made.
            first_Chw: Clean latents of the first frame, if it is given.
            blocking: Who stands where; None leaves it to the model.
            sampling: Steps and guidance.
            at_step: Is told after each step of each stretch.

        Yields:
            Stretches, together as many frames as asked for.
        """
        text_1TE = _padded(text_TE)
        num_stretches = max(1, -(-(num_frames - 1) // (FRAMES - 1)))
        left = num_frames
        for number in range(num_stretches):

            def say(share: float, done: int = number) -> None:
                at_step((done + share) / num_stretches)

            latents_1CFhw = sample(
                self.modules,
                _noise(seed, number, self._channels, grid, is_picture=num_frames == 1),
                text_1TE,
                memory=memory,
                first_BChw=None if first_Chw is None else first_Chw[None],
                blocking_BPFhw=_blocked(blocking, number, num_frames),
                sampling=sampling,
                at_step=say,
            )
            is_later = number > 0
            num_new = min(left, FRAMES - is_later)
            num_latents = num_latent_frames(num_new + is_later)
            shown = _frames_of(number, num_latents, num_frames)
            sketch = blocking.sketched(shown) if blocking and blocking.sketched else None
            stretch = self._developed(
                latents_1CFhw[:, :, :num_latents], sketch, num_new, is_later=is_later
            )
            left -= num_new
            if left:
                first_Chw = self.encode(_reduced(stretch.frames_THW3[-1], grid))
            yield stretch

    @property
    def _channels(self) -> int:
        return int(self.codec.config["channels"])

    def _developed(
        self,
        latents_1CFhw: torch.Tensor,
        sketch_THW3: torch.Tensor | None,
        num_new: int,
        *,
        is_later: bool,
    ) -> Stretch:
        """Decode the frames that are wanted, and drop what repeats the stretch before."""
        with torch.inference_mode():
            sketch_1THW3 = None if sketch_THW3 is None else sketch_THW3[None]
            decoded_THW3 = self.codec.decode(latents_1CFhw, sketch_1THW3)[0]
            frames_THW3 = decoded_THW3[is_later : is_later + num_new].round().to(torch.uint8)
        latents_FChw = latents_1CFhw[0].transpose(0, 1)[is_later:]
        return Stretch(
            frames_THW3=frames_THW3.contiguous().numpy(),
            latents_FChw=latents_FChw.contiguous().numpy(),
        )


def middles(num_frames: int) -> list[int]:
    """
    Say which drawn frame is in the middle of each latent frame of a shot.

    Args:
        num_frames: Of the shot, as drawn.

    Returns:
        As many as its stretches have latents together.
    """
    found: list[int] = []
    for start in range(0, max(1, num_frames - 1), FRAMES - 1):
        is_later = start > 0
        num_latents = num_latent_frames(min(num_frames - start, FRAMES))
        found += [
            min(start + middle, num_frames - 1)
            for middle in latent_middles(FRAMES)[is_later:num_latents]
        ]
    return found


def load_model(folder: Path) -> PocketModel:
    """
    Load a model from a folder of weights.

    Args:
        folder: As `onestory.engines.pocket.weights` describes it.
    """
    codec = load_codec(folder / "vae")
    assert int(codec.config["block"]) == CELL, "grids are counted in blocks of the codec"
    return PocketModel(load_modules(folder), codec, shared_text())


def is_cut_off(text_TE: torch.Tensor) -> bool:
    """Whether a caption was longer than the model reads."""
    return len(text_TE) >= MAX_TOKENS


def _padded(text_TE: torch.Tensor) -> torch.Tensor:
    """One caption as in training: zeros behind its end, the length a multiple of 16."""
    return torch.nn.functional.pad(text_TE, (0, 0, 0, -len(text_TE) % 16))[None]


def _noise(seed: int, number: int, channels: int, grid: Grid, *, is_picture: bool) -> torch.Tensor:
    """The noise of a stretch. A picture gets that of a shot's first frame."""
    rng = np.random.default_rng([seed, number])
    shape = (1 if is_picture else LATENT_FRAMES, channels, grid.rows, grid.columns)
    noise_FChw = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
    return noise_FChw.transpose(0, 1)[None].contiguous()


def _blocked(blocking: Blocking | None, number: int, num_frames: int) -> torch.Tensor | None:
    """Who stands where in the latent frames of a stretch, `1 P F h w`."""
    if blocking is None:
        return None
    start = number * (FRAMES - 1)
    middles = latent_middles(1 if num_frames == 1 else FRAMES)
    return blocking.told([min(start + middle, num_frames - 1) for middle in middles])[None]


def _frames_of(number: int, num_latents: int, num_frames: int) -> list[int]:
    """The drawn frames that so many latent frames of a stretch hold."""
    start = number * (FRAMES - 1)
    return [min(start + index, num_frames - 1) for index in range(1 + TIME * (num_latents - 1))]


def _reduced(frame_HW3: Frame, grid: Grid) -> Frame:
    """A decoded frame at the size of its grid."""
    if frame_HW3.shape[:2] == (grid.height, grid.width):
        return frame_HW3
    picture = Image.fromarray(frame_HW3)
    size = (grid.width, grid.height)
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS), dtype=np.uint8)
