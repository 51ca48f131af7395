"""A script becomes a film, in a process of its own, on the real services."""

import json
import shutil
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from deployments.studio.embedded import ensure_studio
from deployments.studio.settings import StudioSettings
from onestory.cut.loudness import measure_loudness
from onestory.cut.probe import probe_video
from onestory.documents import digest_of
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, shot_list
from onestory.testing.waiting import wait_until

pytestmark = pytest.mark.studio

ACTIONS = ("waves", "sits down", "dances")


def recipes(document: dict[str, Any]) -> list[str]:
    """Addresses of the circled takes."""
    return [shot["recipe"] for shot in document["shots"]]


def test_a_script_becomes_a_delivered_film(producer: Producer, episode_id: str) -> None:
    """Film, sound, subtitles, timeline, dailies page and manifest lie in one folder and agree."""
    script = shot_list(producer.out, episode_id, ACTIONS)

    code, document = producer.produce(script)

    film = Path(document["film"])
    facts = probe_video(film, decode=True)
    assert code == 0
    assert (facts.num_frames, facts.width, facts.height) == (72, 96, 160)
    assert (facts.has_audio, facts.is_fast_start) == (True, True)
    assert measure_loudness(film).integrated_lufs > -60
    assert len(list(otio.adapters.read_from_file(document["otio"]).find_clips())) >= 3
    assert episode_id in Path(document["dailies"]).read_text()
    manifest = json.loads(Path(document["manifest"]).read_text())
    assert manifest["files"]["episode.mp4"] == digest_of(film.read_bytes())
    assert [shot["recipe"] for shot in manifest["shots"]] == recipes(document)
    assert manifest["is_ai_generated"]


def test_the_document_has_every_promised_field(producer: Producer, episode_id: str) -> None:
    """Scripts that call the command can rely on its JSON."""
    _, document = producer.produce(shot_list(producer.out, episode_id, ACTIONS))

    assert set(document) == {
        *("episode", "film", "subtitles", "otio", "dailies", "manifest", "shots"),
        *("rendered", "reused", "flow_run", "mlflow_run", "seconds"),
    }
    assert {"slate", "verdict", "freshness", "takes", "recipe"} <= set(document["shots"][0])
    assert document["flow_run"]
    assert document["mlflow_run"]
    assert (document["rendered"], document["reused"]) == (3, 0)


def test_the_same_script_again_renders_nothing(producer: Producer, episode_id: str) -> None:
    """Nothing is paid for twice, as the engine server itself counts."""
    script = shot_list(producer.out, episode_id, ACTIONS)
    _, first = producer.produce(script)
    film = Path(first["film"]).read_bytes()
    before = rendered_at_engine(producer)

    code, second = producer.produce(script)

    assert code == 0
    assert rendered_at_engine(producer) == before
    assert (second["rendered"], second["reused"]) == (0, 3)
    assert recipes(second) == recipes(first)
    assert Path(second["film"]).read_bytes() == film
    assert second["mlflow_run"] == first["mlflow_run"]


def test_a_deleted_delivery_is_restored_from_the_vault(producer: Producer, episode_id: str) -> None:
    """Somebody who cleans the folder up gets the same film back, without rendering."""
    script = shot_list(producer.out, episode_id, ACTIONS)
    _, first = producer.produce(script)
    film = Path(first["film"]).read_bytes()
    shutil.rmtree(Path(first["film"]).parent)

    _, second = producer.produce(script)

    assert second["rendered"] == 0
    assert Path(second["film"]).read_bytes() == film


def test_one_edited_caption_renders_one_shot(producer: Producer, episode_id: str) -> None:
    """Changing one caption renders what that changes and nothing else."""
    _, first = producer.produce(shot_list(producer.out, episode_id, ACTIONS))

    edited = shot_list(producer.out, episode_id, ("waves", "reads a letter", "dances"))
    _, second = producer.produce(edited)

    assert second["rendered"] == 1
    assert slates(second) == slates(first)
    changed = [a != b for a, b in zip(recipes(first), recipes(second), strict=True)]
    assert changed == [False, True, False]


def test_an_inserted_shot_gets_a_letter_and_is_the_only_one_rendered(
    producer: Producer, episode_id: str
) -> None:
    """Neighbours keep their slates and their takes."""
    _, first = producer.produce(shot_list(producer.out, episode_id, ACTIONS))

    longer = shot_list(producer.out, episode_id, ("waves", "jumps", "sits down", "dances"))
    _, second = producer.produce(longer)

    old = slates(first)
    assert second["rendered"] == 1
    assert slates(second) == [old[0], f"{old[0]}A", *old[1:]]


def test_a_renamed_file_is_the_same_episode(producer: Producer, episode_id: str) -> None:
    """Identity is the episode's id, never the file's path."""
    script = shot_list(producer.out, episode_id, ACTIONS)
    producer.produce(script)

    _, second = producer.produce(script.rename(producer.out / "draft 7 (final).json"))

    assert (second["episode"], second["rendered"]) == (episode_id, 0)


def test_an_id_with_another_title_is_refused(producer: Producer, episode_id: str) -> None:
    """Two films never share an id by accident."""
    script = shot_list(producer.out, episode_id, ACTIONS)
    producer.produce(script)
    document = json.loads(script.read_text()) | {"title": "Another Film"}
    script.write_text(json.dumps(document))

    code, answer = producer.produce(script)

    assert code == 2
    assert answer["error"]["kind"] == "ScriptError"
    assert "Another Film" in answer["error"]["message"]
    assert "--episode" in answer["error"]["hint"]


def test_bad_input_leaves_nothing_behind(tmp_path: Path) -> None:
    """A script that cannot be shot costs a sentence: no studio is started, no folder is made."""
    home, out = tmp_path / "home", tmp_path / "cwd"
    out.mkdir()
    script = tmp_path / "empty.fountain"
    script.write_text("")

    code, answer = Producer(home=home, out=out).produce(script)

    assert code == 2
    assert answer["error"]["message"].startswith(f"{script}:1:1:")
    assert not home.exists()
    assert not list(out.iterdir())


def test_mlflow_holds_one_run_and_a_nested_run_for_each_take(
    producer: Producer, full_studio: StudioSettings, episode_id: str
) -> None:
    """A researcher finds every take with its recipe beneath its episode."""
    from mlflow.tracking import MlflowClient

    _, document = producer.produce(shot_list(producer.out, episode_id, ACTIONS))
    client = MlflowClient(tracking_uri=f"sqlite:///{full_studio.home}/mlflow/mlflow.db")
    run = client.get_run(document["mlflow_run"])
    takes = client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    )

    assert run.info.status == "FINISHED"
    assert len(takes) == 3
    assert {tag for take in takes for tag in take.data.tags.values()} >= set(recipes(document))
    names = {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
    assert {"episode.mp4", "dailies.html", "contact-sheet.jpg"} <= names


def test_the_dashboard_shows_slates_and_artifacts(
    producer: Producer, full_studio: StudioSettings, episode_id: str
) -> None:
    """Run names read like a shot list; film page, gate table, plan and progress are there."""
    _, document = producer.produce(shot_list(producer.out, episode_id, ACTIONS))
    dashboard = Dashboard(ensure_studio(full_studio).prefect_api_url)
    run = document["flow_run"]
    takes = {f"take s01e01-{slate}-tk01" for slate in slates(document)}

    wait_until(lambda: takes <= {name for name, _ in dashboard.tasks(run)}, "every take is known")
    assert {
        (f"plan-{episode_id}", "markdown"),
        (f"gates-{episode_id}", "table"),
        (f"progress-{episode_id}", "progress"),
        (f"film-{episode_id}", "markdown"),
    } <= dashboard.kinds_of_artifacts(run)


def test_reading_verbs_tell_what_was_made(producer: Producer, episode_id: str) -> None:
    """Everything that can be seen can be had as JSON."""
    script = shot_list(producer.out, episode_id, ACTIONS)
    _, document = producer.produce(script)
    home = ("--home", str(producer.home))
    take = document["shots"][0]["take"]

    _, plan = producer.run("plan", str(script), "--json", *home, "--size", producer.size).finish()
    _, status = producer.run("status", episode_id, "--json", *home).finish()
    _, told = producer.run("explain", take, "--json", "--episode", episode_id, *home).finish()

    assert [shot["freshness"] for shot in plan["shots"]] == ["current"] * 3
    assert plan["to_film"] == 0
    assert plan["estimate"] is None
    assert [shot["circled"] for shot in status["episodes"][0]["shots"]] == [
        shot["take"] for shot in document["shots"]
    ]
    assert told["address"] == recipes(document)[0]
    assert told["recipe"]["caption"]


def test_exports_hold_the_film(producer: Producer, episode_id: str) -> None:
    """An editor gets the cut in his own format, without rendering."""
    producer.produce(shot_list(producer.out, episode_id, ACTIONS))

    for form, words in (("edl", "TITLE:"), ("otio", "OTIO_SCHEMA"), ("kitsu-csv", "sh001")):
        run = producer.run("export", episode_id, "--to", form, "--home", str(producer.home))
        assert run.process.stdout is not None
        assert words in run.process.stdout.read()
        assert run.process.wait() == 0


def slates(document: dict[str, Any]) -> list[str]:
    """Slates of the shots, in story order."""
    return [shot["slate"] for shot in document["shots"]]


def rendered_at_engine(producer: Producer) -> int:
    """How many takes the engine server has rendered since it started."""
    import httpx

    state = json.loads((producer.home / "studio.json").read_text())
    transport = httpx.HTTPTransport(uds=state["engine_socket"])
    with httpx.Client(transport=transport, base_url="http://engine", timeout=60) as client:
        return int(client.get("/health").json()["rendered"])
