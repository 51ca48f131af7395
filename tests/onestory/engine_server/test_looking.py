"""Takes are looked at once, beside the engine that makes them, and what was seen is kept."""

import base64
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onestory.continuity.content import CONTENT_GATES, LOOK, Calibration, Limit, look_key
from onestory.documents import Digest, digest_of
from onestory.engine_server.looking import Glimpses, Lookout, open_lookout
from onestory.engine_server.stage import Stage, TakeControl
from onestory.engines.painted import PaintedEngine
from onestory.engines.recipe import Recipe
from onestory.engines.take import Comparison, GateResult, Reference, Take, Verdict
from onestory.errors import WeightsError
from onestory.production.evidence import evidence_of, exhibit
from onestory.production.recipes import recipe_for
from onestory.testing.eyes import CoarseEyes
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read
from onestory.vault.store import Vault

LIMITS = {gate: Limit(least=0.9, false_alarm=0.05, num_good=40) for gate in CONTENT_GATES}


def recipe_of(action: str, episode: str) -> Recipe:
    """A recipe of the tiny story's first shot."""
    told = tiny_episode(episode=episode)
    recipe = recipe_for(told.shots[0], told, tiny_read(told).shots[0], tiny_filming())
    return recipe.model_copy(update={"caption": f"{action} in {episode}"})


def shot(stage: Stage, recipe: Recipe) -> Take:
    """Film it."""
    return stage.shoot(recipe, slate="s01e01-sc01-sh001-tk01", control=TakeControl())


@pytest.fixture(name="eyes")
def _eyes() -> CoarseEyes:
    return CoarseEyes()


def stage_of(vault: Vault, eyes: CoarseEyes, limits: Mapping[str, Limit] = LIMITS) -> Stage:
    """A stage whose takes are looked at."""
    return Stage(PaintedEngine(), vault, lookout=Lookout(vault, eyes, limits))


def by_gate(verdict: Verdict) -> dict[str, GateResult]:
    """Results by name."""
    return {result.gate: result for result in verdict.results}


def test_a_take_is_held_against_an_earlier_one(
    vault: Vault, eyes: CoarseEyes, episode_id: str
) -> None:
    """With itself it agrees wholly; both are looked at once, in this process and in another."""
    stage = stage_of(vault, eyes)
    one, two = (shot(stage, recipe_of(name, episode_id)) for name in ("waves", "jumps"))
    name = one.recipe.subjects[0].name
    with_itself = Comparison(
        people=(Reference(name=name, takes=(one.address,)),), place=(one.address,)
    )

    same = by_gate(stage.judge(one.address, with_itself))
    other = stage.judge(two.address, with_itself)

    assert (same["identity"].value, same["place"].value) == (1.0, 1.0)
    assert by_gate(other)["identity"].value < 1.0
    assert by_gate(other)["subject"].is_passed is not None
    assert eyes.looks == 2

    again = stage_of(vault, eyes).judge(two.address, with_itself)
    assert again == other
    fresh = stage_of(vault, eyes)
    fresh.judge(two.address, Comparison(place=(one.address,)))
    assert eyes.looks == 2, "what was seen lies in the vault"


def test_what_was_compared_is_shown(vault: Vault, eyes: CoarseEyes, episode_id: str) -> None:
    """Evidence is two pictures: the left half of the take's frame, and that of the other's."""
    stage = stage_of(vault, eyes)
    one, two = (shot(stage, recipe_of(name, episode_id)) for name in ("waves", "jumps"))
    name = one.recipe.subjects[0].name
    known = Comparison(people=(Reference(name=name, takes=(one.address,)),), place=(one.address,))

    found = {shown.gate: shown for shown in evidence_of(vault, stage.judge(two.address, known))}

    assert set(found) == {"identity", "place"}
    assert found["identity"].there_from == one.slate
    whole, half = (Image.open(BytesIO(found[gate].here)) for gate in ("place", "identity"))
    assert whole.height == half.height
    assert 0.5 <= half.width / whole.width < 0.6
    strict = {gate: Limit(least=2.0, false_alarm=0.05, num_good=40) for gate in ("place",)}
    verdict = stage_of(vault, eyes, strict).judge(two.address, known)
    board = Image.open(BytesIO(exhibit(vault, verdict)))
    assert board.height == 240, "one row: only the place is NG"
    assert exhibit(vault, stage_of(vault, eyes, {}).judge(two.address, known)) == b""
    vault.remove_keys([f"lookups/{LOOK}-{_digits(look_key(one.address, eyes.fingerprint))}.json"])
    assert evidence_of(vault, stage.judge(two.address, known)) == ()


def test_a_take_that_cannot_be_read_is_no_reference(
    vault: Vault, eyes: CoarseEyes, episode_id: str
) -> None:
    """Whoever is held against a take that is gone is held against nobody."""
    stage = stage_of(vault, eyes)
    take = shot(stage, recipe_of("waves", episode_id))
    gone = digest_of(episode_id.encode())
    name = take.recipe.subjects[0].name

    verdict = stage.judge(
        take.address, Comparison(people=(Reference(name=name, takes=(gone,)),), place=(gone,))
    )

    assert by_gate(verdict)["identity"].is_passed is None
    assert by_gate(verdict)["place"].is_passed is None
    assert by_gate(verdict)["caption"].is_passed is not None


def test_frames_that_go_by_and_frames_that_are_read_back_are_the_same_ones() -> None:
    """Five of seventeen, made small; of a take that broke off, those that came."""
    frames = [np.full((1280, 720, 3), 10 * number, np.uint8) for number in range(17)]
    glimpses, short = Glimpses(17), Glimpses(17)
    for frame in frames:
        glimpses.see(frame)
    for frame in frames[:6]:
        short.see(frame)

    numbers, caught_FHW3 = glimpses.caught
    assert numbers == (1, 5, 8, 11, 15)
    assert caught_FHW3.shape == (5, 640, 360, 3)
    assert [int(one[0, 0, 0]) for one in caught_FHW3] == [10, 50, 80, 110, 150]
    assert short.caught[0] == (1, 5)
    assert Glimpses(17).caught[0] == ()


def test_only_what_was_calibrated_is_looked_at(vault: Vault, tmp_path: Path) -> None:
    """No calibration, or one of another engine: nobody looks. One of other encoders is refused."""
    assert open_lookout(vault, "pocket", tmp_path) is None
    calibration = Calibration(encoders=digest_of(b"others"), engines={"pocket": LIMITS})
    (tmp_path / "calibration.json").write_bytes(calibration.to_json())
    assert open_lookout(vault, "painted", tmp_path) is None
    with pytest.raises(WeightsError):
        open_lookout(vault, "pocket", tmp_path)


def test_limits_name_the_gates(vault: Vault, eyes: CoarseEyes) -> None:
    """A recalibrated gate asks another question."""
    stricter = {**LIMITS, "place": Limit(least=0.95, false_alarm=0.05, num_good=40)}
    assert Lookout(vault, eyes, LIMITS).digest != Lookout(vault, eyes, stricter).digest
    assert Lookout(vault, eyes, LIMITS).digest == Lookout(vault, CoarseEyes(), LIMITS).digest


def test_the_strip_is_a_picture(vault: Vault, eyes: CoarseEyes, episode_id: str) -> None:
    """What is kept of a take is a JPEG of the frames that were read, side by side."""
    stage = stage_of(vault, eyes)
    take = shot(stage, recipe_of("waves", episode_id))
    assert stage.lookout is not None

    seen = stage.lookout.seen(take)

    strip = Image.open(BytesIO(base64.b64decode(seen.strip)))
    assert strip.format == "JPEG"
    assert strip.width % len(seen.reading.frames) == 0


def _digits(digest: Digest) -> str:
    return digest.removeprefix("sha256:")
