"""Films in which somebody is suddenly another: noticed, filmed again, and never remembered."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployments.studio.embedded import ensure_studio
from deployments.studio.settings import read_settings
from onestory.documents import Digest
from onestory.engines.take import Take
from onestory.testing.producing import Producer, two_lives
from onestory.vault.store import Vault

pytestmark = [pytest.mark.studio, pytest.mark.slow]

STORY = ("Mara waves.", "Jonas waves.", "Mara dances.", "Mara jumps.", "Mara sits down.")
SABOTAGED = 4
EPISODE = "test-stranger-jumps-two"
"""Always the same seeds: pocket's strangers differ, and some are near the limit."""


def sabotaged(producer: Producer, words: str) -> Producer:
    """The same person with a pocket that films a stranger once, for a caption with those words."""
    options: dict[str, Any] = {
        "inner": "pocket",
        "faults": {words: ["stranger"]},
        "state": str(producer.out / "played.json"),
    }
    return replace(producer, engine="sabotaged", options=options, size="180x320")


def take_of(producer: Producer, address: str) -> Take:
    """A take, from the vault of the producer's studio."""
    settings = read_settings(
        home=producer.home, engine=producer.engine, engine_options=producer.options
    )
    return Vault(ensure_studio(settings).vault_address()).get_take(Digest(address))


def test_a_stranger_is_noticed_and_leaves_no_trace(producer: Producer) -> None:
    """NG for identity, filmed on another seed, circled; what comes next remembers that one."""
    producer = sabotaged(producer, "jumps")
    run = producer.start(two_lives(producer.out, EPISODE, STORY))
    code, document = run.finish()

    shot, after = document["shots"][SABOTAGED - 1], document["shots"][SABOTAGED]
    slate = shot["slate"]
    ng = [line for line in run.lines if line.startswith(f"{slate}  NG")]
    assert code == 0, "\n".join(run.lines)
    assert (shot["verdict"], shot["takes"]) == ("circled", 2), run.lines
    assert len(ng) == 1
    assert "tk01" in ng[0]
    assert "identity" in ng[0]
    assert [one["takes"] for one in document["shots"]] == [1, 1, 1, 2, 1], run.lines
    remembered = {frame.take for frame in take_of(producer, after["recipe"]).lineage}
    circled = {one["recipe"] for one in document["shots"]}
    assert remembered <= circled
    page = Path(document["dailies"]).read_text()
    assert "MARA is least alike in frame" in page
    report = json.loads((Path(document["film"]).parent / "continuity.json").read_text())
    judged = next(one for one in report["shots"] if slate.endswith(one["slate"]))
    gates = {result["gate"]: result for result in judged["gates"]}
    assert gates["identity"]["value"] >= gates["identity"]["threshold"]
