"""A script becomes a film by way of a language model's server, or a clear sentence."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import srt

from onestory.testing.chatting import ChatServer, Reply, after, altered, chat_server, says, told_in
from onestory.testing.producing import Producer

pytestmark = pytest.mark.studio

KEY = "sk-hush-hush"
SCRIPT = """Title: {title}

INT. KITCHEN - DAY

Mara waits at the table.

MARA
You are late again, and the soup is cold.

EXT. STREET - NIGHT

JONAS runs down the street.
"""
SAID = "You are late again, and the soup is cold."


def script_of(producer: Producer, episode: str) -> Path:
    """A script of two scenes."""
    path = producer.out / f"{episode}.fountain"
    path.write_text(SCRIPT.format(title=episode))
    return path


def asking(producer: Producer, server: ChatServer, model: str, seconds: float = 60.0) -> Producer:
    """The same person, with a language model at hand."""
    environment = {
        "ONESTORY_BREAKDOWN_URL": server.url,
        "ONESTORY_BREAKDOWN_MODEL": model,
        "ONESTORY_BREAKDOWN_API_KEY": KEY,
        "ONESTORY_BREAKDOWN_SECONDS": str(seconds),
    }
    return replace(producer, environment=environment)


def misquote(answer: dict[str, Any]) -> None:
    """Put other words into somebody's mouth."""
    for shot in answer.get("shots", ()):
        for line in shot["lines"]:
            line["text"] = "You are early."


def test_a_server_lays_out_a_film_once(producer: Producer, episode_id: str) -> None:
    """Film, verbatim subtitles and record; run again, nobody is asked and nothing is rendered."""
    with chat_server() as server:
        producer = asking(producer, server, episode_id)
        script = script_of(producer, episode_id)
        code, first = producer.produce(script, "--breakdown", "server")
        asked = len(server.requests)
    again, second = producer.produce(script, "--breakdown", "server")

    assert (code, again) == (0, 0)
    assert (asked, set(server.keys)) == (6, {f"Bearer {KEY}"})
    assert (first["rendered"], second["rendered"], second["reused"]) == (3, 0, 3)
    cues = list(srt.parse(Path(first["subtitles"][0]).read_text()))
    assert " ".join(" ".join(cue.content.split()) for cue in cues).endswith(SAID)
    record = json.loads(Path(first["manifest"]).read_text())["breakdown"]
    assert (record["by"], record["model"], record["prompt_version"]) == ("server", episode_id, 1)
    written = [path for path in producer.out.rglob("*") if path.is_file()]
    written += [path for path in (producer.home / "logs").rglob("*") if path.is_file()]
    assert not [path for path in written if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (altered(misquote), 'in the script MARA says "You are late again'),
        (says('{"shots": ['), "there is no JSON object"),
        (after(9.0, says("")), "did not answer within 4 seconds"),
    ],
    ids=["misquotes", "broken JSON", "slow"],
)
def test_a_bad_answer_stops_before_anything_is_filmed(
    reply: Reply, words: str, producer: Producer, episode_id: str
) -> None:
    """One sentence, exit code 1; once mended, only what was not answered yet is asked."""
    script = script_of(producer, episode_id)
    with chat_server() as server:
        server.always = lambda request: (
            reply(request) if "elements" in told_in(request) else server_reply(server, request)
        )
        failing = asking(producer, server, episode_id, seconds=4.0 if "within" in words else 60.0)
        code, document = failing.produce(script, "--breakdown", "server")
        server.always = None
        server.requests.clear()
        mended, film = asking(producer, server, episode_id).produce(script, "--breakdown", "server")

    assert (code, document["error"]["kind"]) == (1, "ModelAnswerError")
    assert words in document["error"]["message"]
    assert mended == 0
    assert film["rendered"] == 3
    assert all("elements" in told_in(request) for request in server.requests)


def server_reply(server: ChatServer, request: dict[str, Any]) -> tuple[int, bytes]:
    """A good reply."""
    return replace(server, always=None, replies=[]).reply_to(request)


def test_a_server_that_is_away_is_named(producer: Producer, episode_id: str) -> None:
    """Nobody listens: exit code 1 and the address; rules take over only if they are told to."""
    with chat_server() as gone:
        pass
    script = script_of(producer, episode_id)
    producer = asking(producer, gone, episode_id)

    code, document = producer.produce(script, "--breakdown", "server")
    by_rules, film = producer.produce(
        script, "--breakdown", "server", "--when-model-fails", "rules"
    )

    assert (code, document["error"]["kind"]) == (1, "ModelAwayError")
    assert "cannot be reached" in document["error"]["message"]
    assert by_rules == 0
    record = json.loads(Path(film["manifest"]).read_text())["breakdown"]
    assert record["by"] == "rules"
    assert "cannot be reached" in record["instead_of"]


def test_a_model_that_nobody_named_is_bad_input(producer: Producer, episode_id: str) -> None:
    """Before any service starts: exit code 2 and the setting to make."""
    script = script_of(producer, episode_id)

    code, document = producer.produce(script, "--breakdown", "server")

    assert (code, document["error"]["kind"]) == (2, "OrderError")
    assert "ONESTORY_BREAKDOWN_MODEL" in document["error"]["hint"]


def test_a_plan_names_contradictions(producer: Producer, episode_id: str) -> None:
    """`plan` shows what was made up, and refuses what the engine cannot make."""
    planned = producer.run(
        "plan", str(script_of(producer, episode_id)), "--home", str(producer.home), "--json"
    )
    code, document = planned.finish()
    long = producer.out / "long.json"
    shot = {"set": "KITCHEN", "action": "Rain falls.", "duration": "60s"}
    head = {"title": "Long", "episode": f"{episode_id}-long", "fps": "240"}
    long.write_text(json.dumps({**head, "shots": [shot]}))
    refused, error = producer.produce(long)

    assert code == 0
    assert [one["kind"] for one in document["findings"]] == ["look", "look"]
    assert "MARA" in document["findings"][0]["sentence"]
    assert (refused, error["error"]["kind"]) == (2, "PreflightError")
    assert "has 14400 frames" in error["error"]["message"]
