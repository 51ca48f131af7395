"""Films by the engine that remembers for real: keyframes, memory, and what a change costs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployments.benching import recalibrate
from deployments.reviewing import circle, reject
from deployments.studio.embedded import ensure_studio
from deployments.studio.settings import read_settings
from onestory.continuity.content import Calibration
from onestory.documents import Digest
from onestory.engines.recipe import NOTHING_REMEMBERED
from onestory.engines.take import Take
from onestory.errors import OrderError
from onestory.testing.producing import Producer, shot_list
from onestory.testing.tiny_pocket import write_tiny_weights
from onestory.vault.store import Vault

pytestmark = [pytest.mark.studio, pytest.mark.slow]

ONE_TAKE = ("--max-takes", "1")


@pytest.fixture(scope="module", name="weights")
def _weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights that are tiny: what is drawn does not matter. One folder, so one engine server."""
    return write_tiny_weights(tmp_path_factory.mktemp("pocket") / "weights")


@pytest.fixture(name="director")
def _director(producer: Producer, weights: Path) -> Producer:
    """A person with the pocket engine."""
    options = {"weights": str(weights), "config": {"steps": 2}}
    return replace(producer, engine="pocket", options=options)


def script_of(director: Producer, name: str, *, last: str = "waves") -> Path:
    """Three shots of one woman in one street, the second without a cut before it."""
    path = director.out / f"{name}.fountain"
    path.write_text(
        f"Title: {name}\nEpisode: {name}\n\n"
        "[[look: MARA: a young woman with short auburn hair and a mustard coat]]\n"
        "[[set: LAMP STREET: a narrow street with blue shop fronts]]\n\n"
        "EXT. LAMP STREET - NIGHT\n\n"
        "Mara walks down the street.\n\nShe looks around.\n\n"
        f"[[shot: close-up]]\nMara {last}.\n"
    )
    return path


def takes_of(director: Producer, document: dict[str, Any]) -> list[Take]:
    """The circled takes, in story order."""
    settings = read_settings(
        home=director.home, engine=director.engine, engine_options=director.options
    )
    vault = Vault(ensure_studio(settings).vault_address())
    return [vault.get_take(Digest(shot["recipe"])) for shot in document["shots"]]


def test_later_shots_start_from_keyframes_and_remember(director: Producer) -> None:
    """Every shot has a first frame of its own, and all but the first have a memory."""
    _, document = director.produce(script_of(director, "pocket-remembers"), *ONE_TAKE)
    takes = takes_of(director, document)

    assert len(takes) >= 3
    assert takes[0].recipe.memory == NOTHING_REMEMBERED
    assert all(take.lineage for take in takes[1:])
    assert {one.take for one in takes[2].lineage} <= {take.address for take in takes[:2]}
    assert all(take.recipe.keyframe_by in ("engine", "previous") for take in takes)
    assert all(take.media.latents for take in takes)


def test_a_second_run_films_nothing_and_a_change_only_what_follows(director: Producer) -> None:
    """What is current stays; a changed last shot is the only one that is filmed again."""
    name = "pocket-again"
    _, first = director.produce(script_of(director, name), *ONE_TAKE)
    _, again = director.produce(script_of(director, name), *ONE_TAKE)
    _, changed = director.produce(script_of(director, name, last="dances"), *ONE_TAKE)

    assert first["rendered"] == len(first["shots"])
    assert again["rendered"] == 0
    assert changed["rendered"] == 1


def test_reviews_draw_new_limits(director: Producer, episode_id: str, tmp_path: Path) -> None:
    """What persons circled and rejected is read off the ledger, and limits are drawn by it."""
    actions = ["waves"] + 10 * ["dances", "jumps"]
    director.produce(shot_list(director.out, episode_id, actions), *ONE_TAKE)
    settings = read_settings(
        home=director.home, engine=director.engine, engine_options=director.options
    )
    for number in range(1, 20):
        circle(episode_id, str(number), None, settings, note="", by="")
    with pytest.raises(OrderError, match="circled 19 takes of pocket, and it takes 20"):
        recalibrate(settings, out=tmp_path, encoders=None, ship=False)
    circle(episode_id, "20", None, settings, note="", by="")
    reject(episode_id, "21", None, settings, reason="identity", note="", by="")

    report = recalibrate(settings, out=tmp_path, encoders=None, ship=False)
    rows = {row["gate"]: row for row in report["gates"]}
    drawn = Calibration.from_json((tmp_path / "calibration.json").read_bytes())

    assert (rows["identity"]["good"], rows["identity"]["bad"]) == (19, 1)
    assert rows["place"]["fault"] == "rejected: place"
    assert drawn.encoders == report["encoders"]
    assert drawn.limits_of("pocket")["identity"].num_good == 19, "the first shot has no earlier one"
