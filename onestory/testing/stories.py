"""Tiny stories and takes for tests: real documents, as small as they can be."""

from onestory.documents import Digest, digest_of
from onestory.engines.protocol import EarlierTake
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.take import Media, Take, Timings
from onestory.production.recipes import Filming
from onestory.production.table_read import ShotRead, TableRead
from onestory.screenplay.episode import CastMember, Episode, Line, Reference, SetDesign, Shot

FINGERPRINT = EngineFingerprint(name="tiny", weights="none", config="none", recipe_version=1)


def tiny_episode(num_shots: int = 3, *, episode: str = "tiny") -> Episode:
    """An episode of one woman in one kitchen, with as many shots as asked for."""
    mara = CastMember(
        name="MARA", look="a young woman with red hair", kind="woman", reference="the same woman"
    )
    kitchen = SetDesign(name="KITCHEN", look="a small kitchen", reference="the same kitchen")
    return Episode(
        episode=episode,
        title="Tiny",
        cast=(mara,),
        sets=(kitchen,),
        shots=tuple(tiny_shot(number) for number in range(1, num_shots + 1)),
    )


def tiny_shot(number: int, *, action: str = "waves") -> Shot:
    """The n-th shot: described when new, referential afterwards, a line in every second one."""
    phrase = "a young woman with red hair" if number == 1 else "the same woman"
    return Shot(
        slate=f"sc01-sh{number:03d}",
        scene=1,
        set_name="KITCHEN",
        framing="medium shot",
        move="static",
        action=f"Mara {action} {number}.",
        caption=f"medium shot, {phrase} {action}, take note {number}",
        on_screen=("MARA",),
        references=(Reference(phrase=phrase, name="MARA"),),
        lines=(Line(character="MARA", text=f"Line {number}."),) if number % 2 == 0 else (),
        num_frames=24,
    )


def tiny_read(episode: Episode) -> TableRead:
    """A table read in which every shot has the length that the script asks for."""
    shots = tuple(ShotRead(slate=shot.slate, num_frames=shot.num_frames) for shot in episode.shots)
    return TableRead(voice="none", is_scratch=False, shots=shots)


def tiny_filming(*, seed: int = 0) -> Filming:
    """A camera that makes small pictures and draws no keyframes."""
    return Filming(
        engine=FINGERPRINT,
        remembers=False,
        draws_keyframes=False,
        width=32,
        height=48,
        seed=seed,
        seeds_of="tiny",
    )


def tiny_take(recipe: Recipe, *, slate: str = "s01e01-sc01-sh001-tk01") -> Take:
    """A take document whose media exists in name only."""
    blob: Digest = digest_of(recipe.to_json())
    media = Media(
        video=blob,
        poster=blob,
        first_frame=blob,
        last_frame=blob,
        num_frames=recipe.num_frames,
        width=recipe.width,
        height=recipe.height,
        fps=recipe.fps,
        video_bytes=1,
    )
    return Take(
        slate=slate,
        recipe=recipe,
        media=media,
        timings=Timings(render_seconds=0.1, encode_seconds=0.1),
        machine="test",
        rendered_at="2026-01-01T00:00:00+00:00",
    )


def earlier_take(recipe: Recipe, latents: bytes, *, spoilt: tuple[int, ...] = ()) -> EarlierTake:
    """What an engine made of a recipe, in the form in which it comes back to be recalled."""
    return EarlierTake(take=tiny_take(recipe), read_latents=lambda: latents, spoilt=spoilt)
