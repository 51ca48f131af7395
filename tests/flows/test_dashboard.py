"""Orders from the dashboard, carried out by a real worker, and forms in a real browser."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator

from deployments.locks import only_producer
from deployments.studio.embedded import status
from deployments.studio.settings import StudioSettings, read_settings
from onestory.testing.dashboard import ENDED, Dashboard
from onestory.testing.producing import Producer, kill_tree, shot_list
from onestory.testing.visitor import Visitor, box_of

pytestmark = pytest.mark.studio

PRODUCE = "produce-episode/produce-episode"
RETAKE = "retake-shots/retake-shots"
ACTIONS = ("waves", "sits down")


def _settings(crew: Producer) -> StudioSettings:
    return read_settings(home=crew.home, engine=crew.engine, engine_options=crew.options)


def _order(crew: Producer, episode: str, **fields: object) -> dict[str, object]:
    """Paths are relative: they are named from the project folder."""
    shot_list(crew.out, episode, ACTIONS)
    return {"script": f"{episode}.json", "out": "films", "width": 96, "height": 160} | fields


def test_a_plan_is_agreed_to_on_the_form(
    crew: Producer, dashboard: Dashboard, episode_id: str, visitor: Visitor
) -> None:
    """The run stops with its plan on the form; resumed there, it films in another process."""
    run = dashboard.submit(PRODUCE, _order(crew, episode_id, plan_first=True))
    assert dashboard.wait_for_question(run) == "plan"
    assert not (crew.out / "films").exists()

    def filled_in() -> Locator:
        visitor.visit(f"/runs/flow-run/{run}")
        visitor.page.get_by_role("button", name="Resume").click()
        form = visitor.page.get_by_role("dialog")
        form.get_by_text("2 of 2 shots would be filmed").wait_for()
        visitor.photograph("plan-form")
        assert form.get_by_text("never filmed").count() == 2
        form.get_by_role("textbox").fill("Ada")
        return form

    told = visitor.submit(filled_in, "resume")
    assert told["status"] == "ACCEPT", told

    assert dashboard.wait(run) == "COMPLETED"
    document = json.loads((crew.out / "films" / episode_id / "manifest.json").read_text())
    assert len(document["shots"]) == 2
    assert len(crew.rendered_by(episode_id, run)) == 2
    plan = dashboard.artifact(f"plan-{episode_id}")
    assert "**2 of 2 shots would be filmed**" in plan


def test_a_retake_is_ordered_from_the_dashboard(
    crew: Producer, dashboard: Dashboard, episode_id: str, visitor: Visitor
) -> None:
    """A form is filled in, and one shot is filmed again; an unknown episode is refused."""
    first = dashboard.submit(PRODUCE, _order(crew, episode_id))
    assert dashboard.wait(first) == "COMPLETED"

    def filled_in() -> Locator:
        form = visitor.visit(dashboard.page_of_form(RETAKE), "Later shots", "Show the plan first")
        assert "those are filmed again that are stale by then" in form.inner_text()
        assert "None" not in form.inner_text()
        box_of(form, "Episode id").fill(episode_id)
        box_of(form, "Shots").fill("2")
        visitor.photograph("retake-form")
        return form

    again = visitor.submit(filled_in, "create_flow_run")["id"]
    assert dashboard.wait(again) == "COMPLETED"
    assert dashboard.read(again)["name"] == f"retake {episode_id} 2"
    (take,) = crew.rendered_by(episode_id, again)
    assert "sh002" in take

    unknown = dashboard.submit(RETAKE, {"episode": "nobody-knows", "shots": "2"})
    assert dashboard.wait(unknown) == "FAILED"
    assert "nobody-knows" in dashboard.read(unknown)["state"]["message"]


def test_two_orders_of_an_episode_wait_for_each_other(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """Both wait for somebody else; then one films while the other waits, and finds it all there."""
    order = _order(crew, episode_id)
    with only_producer(crew.home, episode_id):
        runs = [dashboard.submit(PRODUCE, order) for _ in range(2)]
        for run in runs:
            dashboard.wait_for_words(run, f"another producer is working on episode {episode_id}")
    assert [dashboard.wait(run) for run in runs] == ["COMPLETED", "COMPLETED"]
    one, other = (dashboard.read(run) for run in runs)
    assert max(one["start_time"], other["start_time"]) >= min(one["end_time"], other["end_time"])
    takes = [len(crew.rendered_by(episode_id, run)) for run in runs]
    assert sorted(takes) == [0, 2]


def test_a_worker_is_killed(crew: Producer, dashboard: Dashboard, episode_id: str) -> None:
    """With everything it has started; the next order has another worker, and loses nothing."""
    run = dashboard.submit(PRODUCE, _order(crew, episode_id))
    dashboard.wait(run, ("RUNNING", *ENDED))
    worker = next(one for one in status(_settings(crew)).services if one.name == "worker")
    assert worker.pid is not None
    kill_tree(worker.pid)

    code, document = crew.produce(Path(crew.out / f"{episode_id}.json"))
    assert code == 0
    assert [shot["takes"] for shot in document["shots"]] == [1, 1]
    assert dashboard.wait(dashboard.submit(PRODUCE, _order(crew, episode_id))) == "COMPLETED"
