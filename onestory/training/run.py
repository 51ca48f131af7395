"""
How does a training file become weights? Whatever is missing is made, and then it is trained.

    pocket.yaml ──► codec ──► shards (those that are missing) ──► its decoder ──► steps ──► its
                      └─► glimpses ──► critic of looks ───────────────────┘ │    decoder ──► export/
                            checkpoint, log.jsonl ◄── every few steps ──────┤
                            losses and pictures of held-out stories ◄───────┘

Killed at any line and started again, a run goes on from its last checkpoint.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from onestory.diffusion.codec import BlockCodec, load_codec
from onestory.diffusion.pocket import PocketModules
from onestory.diffusion.sampling import Sampling
from onestory.diffusion.text import MiniLmText, shared_text
from onestory.engines.pocket.model import PocketModel
from onestory.engines.pocket.weights import write_rest
from onestory.errors import WeightsError
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.stories import Telling, tell_story
from onestory.training.batches import Stories
from onestory.training.config import Seeds, TrainingConfig
from onestory.training.critic import Critic, draw_glimpses, learn, read_glimpses
from onestory.training.refining import Refining, refine, with_refiner
from onestory.training.shards import (
    STORIES_PER_SHARD,
    Drawing,
    missing_shards,
    shard_name,
    write_shard,
)
from onestory.training.trainer import Trainer, log_to
from onestory.training.validation import held_out_losses, story_sheet

CODEC_STORIES = range(1 << 30, (1 << 30) + 40)
"""Stories whose frames the codec's basis is learnt from; nobody trains on them."""

CODEC_BLOCKS = 50_000

GLIMPSED_STORIES = 512
"""Stories of one file of glimpses."""

LOG = "log.jsonl"

Measure = Callable[[PocketModel], Mapping[str, float]]
"""Something else to be known of a model while it is trained, by name."""


class Watcher(Protocol):
    """Follows a run."""

    def prepared(self, what: str) -> None:
        """Hear of something that was made before the first step."""

    def started(self, step: int) -> None:
        """Hear from which step the run goes on."""

    def stepped(self, step: int, told: Mapping[str, float]) -> None:
        """Hear what a step came to."""

    def validated(self, step: int, told: Mapping[str, float], sheet: Path) -> None:
        """Hear what a validation came to, and where its pictures lie."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where a run keeps what."""

    data: Path
    """Codec and shards, which runs share."""
    run: Path
    """Checkpoint, log, pictures and weights of one run."""

    @property
    def codec(self) -> Path:
        """Folder of the codec."""
        return self.data / "codec"

    @property
    def refined_codec(self) -> Path:
        """Folder of the codec with a decoder of its own."""
        return self.data / "codec-refined"

    @property
    def shards(self) -> Path:
        """Folder of the shards."""
        return self.data / "shards"

    @property
    def refiner(self) -> Path:
        """Folder of the run that trains the codec's decoder."""
        return self.data / "refiner"

    @property
    def glimpses(self) -> Path:
        """Folder of what the critic learns from."""
        return self.data / "glimpses"

    @property
    def critic(self) -> Path:
        """Folder of the run that trains the critic."""
        return self.data / "critic"

    @property
    def mender(self) -> Path:
        """Folder of the run that trains that decoder on what the finished weights draw."""
        return self.run / "mender"

    @property
    def sheets(self) -> Path:
        """Folder of the pictures of held-out stories."""
        return self.run / "sheets"

    @property
    def export(self) -> Path:
        """Folder of the finished weights."""
        return self.run / "export"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """How often a run does what beside training."""

    keep_every: int = 50
    """Steps between two checkpoints."""
    validate_every: int = 250
    """Steps between two validations; the last step is validated in any case."""
    sheet_stories: int = 2
    """Stories of a sheet."""
    read_stories: int = 6
    """Stories that are read, where somebody reads them; see `train`."""
    sampling: Sampling = field(default_factory=Sampling)
    """How they are drawn."""


def train(
    config: TrainingConfig,
    places: Places,
    watcher: Watcher,
    *,
    start: Path | None = None,
    until: int | None = None,
    rhythm: Rhythm | None = None,
    measures: Sequence[Measure] = (),
) -> int:
    """
    Train pocket weights, or take a run up again.

    Args:
        config: What the run depends on.
        places: Where it keeps everything.
        watcher: Follows it.
        start: Exported weights to go on from, if the run has no checkpoint yet; see
            `Trainer.go_on_from`. None to begin with nothing.
        until: Stop after so many steps of the run; None for all of them.
        rhythm: How often it does what else; None for the usual.
        measures: What else a validation finds out, such as a read-out of attributes.

    Returns:
        Steps that are taken now. The weights lie in `places.export`, ready for the engine.

    Raises:
        WeightsError: If codec, checkpoint or start are of another model.
    """
    rhythm = rhythm or Rhythm()
    if start is not None:
        _bring_codec(start, places)
    codec = prepare_codec(places.codec, config.size.channels, watcher)
    text = shared_text()
    _draw_missing(config, places.shards, codec, text, watcher)
    codec = _refined(config, places, codec, watcher)
    stories = Stories(_shards(places.shards, config.stories), num_shots=config.num_shots)
    held_out = Stories(_shards(places.shards, [config.held_out]), num_shots=config.num_shots)

    critic = _critic(config, places, codec, stories.std_C, watcher)
    trainer = Trainer(config, stories, places.run, critic=critic)
    if start is not None and not trainer.step:
        trainer.go_on_from(start)
    watcher.started(trainer.step)
    _forget_after(places.run / LOG, trainer.step)
    log = log_to(places.run / LOG)
    end = config.steps if until is None else min(until, config.steps)

    def report(step: int, told: Mapping[str, float]) -> None:
        log(step, told)
        watcher.stepped(step, told)

    for step in trainer.run(keep_every=rhythm.keep_every, report=report, until=end):
        if step % rhythm.validate_every == 0 or step == end:
            model = PocketModel(trainer.average, codec, text)
            told = held_out_losses(trainer.average, trainer.teacher, held_out, config)
            for measure in measures:
                told |= measure(model)
            watcher.validated(step, told, _draw_sheet(model, config, places, rhythm, step))
    trainer.export(places.export)
    if config.mending and trainer.step == config.steps:
        codec = _mended(config, places, codec, trainer.average, watcher)
    write_rest(places.export, codec, rhythm.sampling)
    return trainer.step


def prepare_codec(folder: Path, channels: int, watcher: Watcher) -> BlockCodec:
    """
    Load the codec, or fit one and keep it.

    Args:
        folder: Where it lies.
        channels: How many its latents have.
        watcher: Hears of it.

    Raises:
        WeightsError: If the one that is kept has other channels.
    """
    if not (folder / "config.json").is_file():
        codec = BlockCodec(channels=channels, refine_width=0, upscale=1)
        codec.fit(torch.from_numpy(_clips(CODEC_STORIES)), max_blocks=CODEC_BLOCKS)
        codec.save_pretrained(folder)
        watcher.prepared("codec")
    codec = load_codec(folder)
    found = int(codec.config["channels"])
    if found != channels:
        raise WeightsError(
            f"the codec in {folder} has {found} channels, the training file asks for {channels}",
            hint="train into another data folder",
        )
    return codec


def _bring_codec(start: Path, places: Places) -> None:
    """Use the codec of the weights that a run goes on from: another's latents mean other things."""
    if (places.codec / "config.json").is_file():
        return
    shipped = load_codec(start / "vae")
    channels, block = int(shipped.config["channels"]), int(shipped.config["block"])
    plain = BlockCodec(channels=channels, block=block, refine_width=0, upscale=1)
    for name, kept in plain.named_buffers():
        kept.copy_(shipped.get_buffer(name))
    plain.save_pretrained(places.codec)
    if shipped.refine is not None:
        shipped.save_pretrained(places.refined_codec)


def _refined(
    config: TrainingConfig, places: Places, codec: BlockCodec, watcher: Watcher
) -> BlockCodec:
    """Train the codec's decoder, once; a run that was killed goes on with it."""
    if not config.refining:
        return codec
    if not (places.refined_codec / "config.json").is_file():
        refined = with_refiner(codec, config.seed)
        choices = Refining(seed=config.seed, steps=config.refining)
        for _ in refine(refined, _shards(places.shards, config.stories), places.refiner, choices):
            pass
        refined.save_pretrained(places.refined_codec)
        watcher.prepared("decoder of the codec")
    return load_codec(places.refined_codec)


def _critic(
    config: TrainingConfig, places: Places, codec: BlockCodec, std_C: torch.Tensor, watcher: Watcher
) -> Critic | None:
    """Train who reads looks off latents, once; a run that was killed goes on with it."""
    if config.critic is None:
        return None
    stories, telling = config.critic.stories, Telling(num_shots=config.num_shots)
    paths = []
    for first in range(stories.first, stories.first + stories.count, GLIMPSED_STORIES):
        end = min(first + GLIMPSED_STORIES, stories.first + stories.count)
        paths.append(places.glimpses / shard_name(first))
        if not paths[-1].is_file():
            draw_glimpses(paths[-1], range(first, end), codec, telling)
            watcher.prepared(f"glimpses of stories {first} to {end - 1}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        critic = Critic(config.size.channels)
    glimpses, steps = read_glimpses(paths), config.critic.steps
    for step in learn(critic, glimpses, std_C, places.critic, steps=steps, seed=config.seed):
        if step == steps:
            watcher.prepared("critic of looks")
    return critic


def _mended(
    config: TrainingConfig,
    places: Places,
    codec: BlockCodec,
    generator: PocketModules,
    watcher: Watcher,
) -> BlockCodec:
    """Train the codec's decoder on what the finished weights draw."""
    mended = with_refiner(codec, config.seed)
    if codec.refine is not None and mended.refine is not None:
        mended.refine.load_state_dict(codec.refine.state_dict())
    choices = Refining(
        seed=config.seed + 1, steps=config.mending, rate=1e-3, fading=0.1, error=0.15
    )
    shards = _shards(places.shards, config.stories)
    for _ in refine(mended, shards, places.mender, choices, generator=generator):
        pass
    watcher.prepared("decoder of what the weights draw")
    return mended.eval()


def _clips(seeds: range) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    drawing, telling = Drawing(), Telling()
    return np.stack(
        [
            np.stack([renderer.frame(index) for index in range(telling.num_frames)])
            for seed in seeds
            for shot in tell_story(seed, telling=telling).shots
            for renderer in [SceneRenderer(shot.scene, drawing.width, drawing.height)]
        ]
    )


def _draw_missing(
    config: TrainingConfig, folder: Path, codec: BlockCodec, text: MiniLmText, watcher: Watcher
) -> None:
    telling = Telling(num_shots=config.num_shots)
    for seeds in (*config.stories, config.held_out):
        for path, shard in missing_shards(folder, seeds.first, seeds.count, codec):
            write_shard(path, shard, codec=codec, text=text, telling=telling, drawing=Drawing())
            watcher.prepared(path.name)


def _shards(folder: Path, runs: Sequence[Seeds]) -> list[Path]:
    return [
        folder / shard_name(start)
        for seeds in runs
        for start in range(seeds.first, seeds.first + seeds.count, STORIES_PER_SHARD)
    ]


def _draw_sheet(
    model: PocketModel, config: TrainingConfig, places: Places, rhythm: Rhythm, step: int
) -> Path:
    first, count = config.held_out.first, min(rhythm.sheet_stories, config.held_out.count)
    sheet = story_sheet(
        model,
        range(first, first + count),
        num_shots=config.num_shots,
        sampling=rhythm.sampling,
    )
    places.sheets.mkdir(parents=True, exist_ok=True)
    path = places.sheets / f"step-{step:06d}.png"
    sheet.save(path)
    return path


def _forget_after(log: Path, step: int) -> None:
    """Drop the lines of steps that are taken again."""
    if log.is_file():
        lines = log.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        log.write_text("".join(kept), "utf-8")
