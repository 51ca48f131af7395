"""Whole episodes by the engine wan, with tiny models of the real classes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.studio.embedded import ensure_studio
from deployments.studio.settings import read_settings
from onestory.continuity.content import CONTENT_GATES
from onestory.cut.probe import probe_video
from onestory.documents import Digest
from onestory.engines.latents import frame_digest, unpack_latents
from onestory.memory.lineage import memory_digest
from onestory.testing.producing import Producer, shot_list
from onestory.testing.tiny_painter import write_tiny_painter
from onestory.testing.tiny_wan import write_tiny_wan
from onestory.vault.store import Vault

pytestmark = [pytest.mark.studio, pytest.mark.slow]


def test_an_episode_by_wan_is_delivered(producer: Producer, episode_id: str) -> None:
    """Takes, memory, lineage, verdicts and the cut are all there, as with any other engine."""
    folder = write_tiny_wan(producer.out / "tiny-wan", "ti2v")
    config = {"dtype": "float32", "steps": 2, "stretch_frames": 25}
    options = {"weights": str(folder), "config": config, "device": "cpu"}
    producer = replace(producer, engine="wan", options=options, size="64x96")
    script = shot_list(producer.out, episode_id, ("waves", "sits down"), duration="24 frames")

    code, document = producer.produce(script, "--engine", "wan", "--max-takes", "1")

    # Noise may not pass every gate: it is delivered for review then.
    assert code in (0, 3), document
    film = Path(document["film"])
    facts = probe_video(film, decode=True)
    assert (facts.num_frames, facts.width, facts.height, facts.has_audio) == (48, 64, 96, True)
    settings = read_settings(home=producer.home, engine="wan", engine_options=options)
    vault = Vault(ensure_studio(settings).vault_address())
    first, second = (vault.get_take(Digest(shot["recipe"])) for shot in document["shots"])
    assert (first.lineage, first.recipe.engine.name) == ((), "wan")
    assert [frame.take for frame in second.lineage] == [first.address]
    assert second.recipe.memory == memory_digest(second.lineage)
    assert first.media.latents is not None
    latents_FCHW = unpack_latents(vault.get_blob(first.media.latents))
    assert latents_FCHW.shape == (7, 48, 6, 4)
    for frame in second.lineage:
        assert frame_digest(latents_FCHW[frame.frame_index]) == frame.latent
    report = json.loads((film.parent / "continuity.json").read_text())
    judged = [gate for shot in report["shots"] for gate in shot["gates"]]
    assert any(gate["is_passed"] is not None for gate in judged)
    content = [gate for gate in judged if gate["gate"] in CONTENT_GATES]
    assert all(gate["is_passed"] is None for gate in content), "no limits were drawn for wan"


def test_a_model_that_needs_first_frames_films_a_script_that_has_none(
    producer: Producer, episode_id: str
) -> None:
    """A text-to-image pipeline paints them, one for each shot after a cut."""
    choices = {"dtype": "float32", "steps": 2}
    options = {
        "weights": str(write_tiny_wan(producer.out / "tiny-i2v", "i2v")),
        "config": {**choices, "stretch_frames": 17},
        "keyframes": str(write_tiny_painter(producer.out / "tiny-painter")),
        "keyframe_config": choices,
        "memory_budget": 0.0,
        "device": "cpu",
    }
    producer = replace(producer, engine="wan", options=options, size="64x96")
    script = shot_list(producer.out, episode_id, ("waves", "sits down"), duration="12 frames")

    code, document = producer.produce(script, "--engine", "wan", "--max-takes", "1")

    assert code in (0, 3), document
    assert document["rendered"] == 2
    settings = read_settings(home=producer.home, engine="wan", engine_options=options)
    vault = Vault(ensure_studio(settings).vault_address())
    takes = [vault.get_take(Digest(shot["recipe"])) for shot in document["shots"]]
    assert [take.recipe.keyframe_by for take in takes] == ["engine", "engine"]
    assert len({take.recipe.keyframe for take in takes}) == 2
