"""Can a take be made again elsewhere, from nothing but what lies in the vault?"""

from collections.abc import Callable
from pathlib import Path

import pytest

from onestory.engine_server.messages import RecallRequest
from onestory.engine_server.stage import Stage, TakeControl
from onestory.engines.pocket.engine import PocketConfig, PocketEngine
from onestory.engines.recipe import Recipe
from onestory.memory.lineage import memory_digest
from onestory.vault.store import Vault

pytestmark = pytest.mark.studio


def stage_at(vault: Vault, weights: Path) -> Stage:
    """A machine that has the weights, and nothing else but the vault."""
    return Stage(PocketEngine(PocketConfig(steps=2), weights=weights), vault)


def test_a_take_comes_back_to_the_byte_on_another_machine(
    vault: Vault, tiny_weights: Path, recipe_of: Callable[..., Recipe], episode_id: str
) -> None:
    """Recipe, lineage, keyframe and latents are all there is to a shot that remembers others."""
    here = stage_at(vault, tiny_weights)
    engine = here.engine.fingerprint()
    first = here.shoot(
        recipe_of(engine=engine, caption=f"A man walks. {episode_id}", num_frames=20),
        slate="s01e01-sc01-sh001-tk01",
        control=TakeControl(),
    )
    asked = recipe_of(engine=engine)
    lineage = here.recall(RecallRequest(recipe=asked, takes=(first.address,), slate="sc01-sh002"))
    keyframe = here.draw_keyframe(
        asked.model_copy(update={"memory": memory_digest(lineage), "num_frames": 1}),
        slate="sc01-sh002",
        control=TakeControl(),
        lineage=lineage,
    )
    recipe = asked.model_copy(
        update={
            "memory": memory_digest(lineage),
            "keyframe": keyframe,
            "keyframe_by": "engine",
        }
    )
    slate = "s01e01-sc01-sh002-tk01"
    second = here.shoot(recipe, slate=slate, control=TakeControl(), lineage=lineage)

    kept = vault.get_take(second.address)
    vault.forget_take(second.address)
    there = stage_at(vault, tiny_weights)
    again = there.shoot(kept.recipe, slate=slate, control=TakeControl(), lineage=kept.lineage)

    assert len(kept.lineage) == 3
    assert {one.take for one in kept.lineage} == {first.address}
    assert again.address == second.address
    assert again.media == second.media
    assert (
        there.recall(RecallRequest(recipe=asked, takes=(first.address,), slate="sc01-sh002"))
        == lineage
    )
