"""A person decides on the dashboard's form, in a real browser; the film goes on elsewhere."""

import json

import pytest
from playwright.sync_api import Locator

from onestory.production.crashes import CrashedShot
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, shot_list
from onestory.testing.visitor import Visitor, box_of
from onestory.testing.waiting import wait_until

pytestmark = pytest.mark.studio

PRODUCE = "produce-episode/produce-episode"
FIVE_SECONDS = 5 / 3600
"""In hours."""


def order_of(crew: Producer, episode: str, *actions: str, **fields: object) -> dict[str, object]:
    """A film that is reviewed take by take."""
    shot_list(crew.out, episode, actions)
    order = {"script": f"{episode}.json", "out": "films", "width": 96, "height": 160}
    return order | {"review": "every"} | fields


def form_of(visitor: Visitor, run: str) -> Locator:
    """The form by which a person resumes a run."""
    visitor.visit(f"/runs/flow-run/{run}")
    visitor.page.get_by_role("button", name="Resume").click()
    form = visitor.page.get_by_role("dialog")
    form.get_by_text("waits for you").wait_for()
    return form


def asked_elsewhere(dashboard: Dashboard, run: str, processes: set[str], *, after: str = "") -> str:
    """The next question of a run, asked in another process than all before, which is noted."""
    question = dashboard.wait_for_question(run, after=after)
    note_process(dashboard, run, processes)
    return question


def note_process(dashboard: Dashboard, run: str, processes: set[str]) -> None:
    """Note in which process a run goes on, once its worker has said so."""

    def process() -> str:
        return str(dashboard.read(run)["infrastructure_pid"])

    wait_until(lambda: process() not in {"None", *processes}, "it goes on in another process")
    processes.add(process())


def choose(form: Locator, field: str, word: str) -> None:
    """Choose from a field's list."""
    box_of(form, field).press("ArrowDown")
    form.page.get_by_role("option", name=word, exact=True).click()


def fill_in(visitor: Visitor, run: str, shown: str, picture: str = "", **said: str) -> None:
    """Fill in the form, which shows something, and submit it."""

    def filled_in() -> Locator:
        form = form_of(visitor, run)
        form.locator(shown).first.wait_for()
        if picture:
            visitor.wait_for_pictures(at_least=0)
            visitor.photograph(picture)
        for field, word in said.items():
            if field == "Decision":
                choose(form, field, word)
            else:
                box_of(form, field.replace("_", " ")).fill(word)
        return form

    told = visitor.submit(filled_in, "resume")
    assert told.get("status") == "ACCEPT", told


def test_a_shot_is_rejected_with_a_new_caption_on_the_form(
    crew: Producer, dashboard: Dashboard, episode_id: str, visitor: Visitor
) -> None:
    """Every answer is heard in a process of its own; one that cannot be followed is asked again."""
    run = dashboard.submit(PRODUCE, order_of(crew, episode_id, "waves", "sits down"))
    processes: set[str] = set()

    # Whoever decides at a terminal meanwhile is right, whatever the form says then.
    first = asked_elsewhere(dashboard, run, processes)
    crew.wait_for_turn(episode_id)
    crew.typed("circle", episode_id, "--shot", "1", "--by", "Ada", "--why", "her eyes")
    fill_in(visitor, run, "text=waits for you", Decision="give up")

    second = asked_elsewhere(dashboard, run, processes, after=first)
    fill_in(visitor, run, "img[alt='take 1']", "review-form", Decision="new caption")

    third = asked_elsewhere(dashboard, run, processes, after=second)
    fill_in(
        visitor,
        run,
        "text=Not possible: the decision is a new caption",
        Decision="new caption",
        New_caption="Mara jumps.",
        Your_name="Grace",
    )

    fourth = asked_elsewhere(dashboard, run, processes, after=third)
    waits = dashboard.page_of_artifact(f"waits-{episode_id}")
    visitor.visit(waits, "Take 2 of shot 2 waits for you", "press Resume to decide")
    visitor.wait_for_pictures()
    visitor.photograph("what-a-run-waits-for")
    fill_in(visitor, run, "text=jumps", Your_name="Grace")

    assert dashboard.wait(run) == "COMPLETED"
    note_process(dashboard, run, processes)
    assert len({first, second, third, fourth}) == 4
    shot = json.loads((crew.out / "films" / episode_id / "manifest.json").read_text())["shots"][1]
    assert shot["take"].endswith("sh002-tk02")
    told = crew.typed("explain", shot["take"], "--episode", episode_id)
    assert "jumps" in told["recipe"]["caption"]
    happened = crew.phrases(episode_id)
    assert (
        f"{shot['take'].replace('sh002-tk02', 'sh001-tk01')} circled by Ada: her eyes" in happened
    )
    assert "caption of sc01-sh002 ordered by Grace" in happened
    assert f"{shot['take']} circled by Grace: chosen in review" in happened


def test_a_take_is_rejected_and_then_the_shot_is_given_up(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """Another take is filmed; who gives up ends the run, and is asked again by the next one."""
    order = order_of(crew, episode_id, "waves")
    run = dashboard.submit(PRODUCE, order)
    first = dashboard.wait_for_question(run)
    with pytest.raises(AssertionError, match="'ugly' is not"):
        dashboard.resume(run, action="reject", reason="ugly")
    dashboard.resume(run, action="reject", take=7, reason="motion")
    second = dashboard.wait_for_question(run, after=first)
    dashboard.resume(run, action="new caption", caption="The same man jumps.")
    third = dashboard.wait_for_question(run, after=second)
    dashboard.resume(run, action="reject", reason="motion", note="a limp", by="Ada")
    fourth = dashboard.wait_for_question(run, after=third)
    dashboard.resume(run, action="give up", note="no money", by="Ada")

    assert dashboard.wait(run) == "FAILED"
    assert "Ada gave shot 1 up: no money" in dashboard.read(run)["state"]["message"]
    assert any("tk01 rejected by Ada: motion, a limp" in one for one in crew.phrases(episode_id))
    again = dashboard.submit(PRODUCE, order)
    assert dashboard.wait_for_question(again) == fourth
    dashboard.cancel(again)


def test_a_shot_in_which_workers_crashed_waits_for_a_person(
    crew: Producer, dashboard: Dashboard, episode_id: str, visitor: Visitor
) -> None:
    """No run films it, nor what comes after it, before somebody has decided; then it goes on."""
    why = "on the floor at each of 3 crashes, on workers a, b, c"
    order = order_of(crew, episode_id, "waves", "dances", "jumps", review="none")
    crashed = CrashedShot(shot="s01e01-sc01-sh002", why=why, count=3)
    run = dashboard.submit(PRODUCE, order, labels=crashed.as_labels())
    question = dashboard.wait_for_question(run)

    shots = crew.typed("status", episode_id)["episodes"][0]["shots"]
    assert [(one["takes"], one["verdict"], one["why"]) for one in shots[1:]] == [
        (0, "waiting for review", why)
    ]
    shown = dashboard.artifact(f"waits-{episode_id}")
    assert f"**Shot 2 waits for you** ({crashed.shot})" in shown
    assert why in shown
    crew.wait_for_turn(episode_id)
    command = (str(crew.out / f"{episode_id}.json"), "--size", crew.size, "--home", str(crew.home))
    code, told = crew.run("produce", *command, "--json").finish()
    assert (code, told["error"]["kind"]) == (4, "ReviewNeededError")
    assert why in told["error"]["message"]
    again = dashboard.submit(PRODUCE, order)
    assert dashboard.wait_for_question(again) == question
    dashboard.cancel(again)
    decided = {"Decision": "film again", "Your_name": "Ada"}
    fill_in(visitor, run, f"text={why}", "crashed-form", **decided)

    assert dashboard.wait(run) == "COMPLETED"
    happened = crew.phrases(episode_id)
    assert f"sc01-sh002 waits for a person: {why}" in happened
    assert "seed of sc01-sh002 ordered by Ada" in happened
    assert crew.typed("status", episode_id)["episodes"][0]["shots"][1]["verdict"] == "circled"


def test_nobody_answers_in_time(crew: Producer, dashboard: Dashboard, episode_id: str) -> None:
    """The film goes on with the take that waits, or ends there, as ordered."""
    order = order_of(crew, episode_id, "waves", review_hours=FIVE_SECONDS)
    stopping = dashboard.submit(PRODUCE, order | {"when_nobody_reviews": "stop"})
    assert dashboard.wait(stopping) == "FAILED"
    assert "never resumed" in dashboard.read(stopping)["state"]["message"]

    going_on = dashboard.submit(PRODUCE, order)
    assert dashboard.wait(going_on) == "COMPLETED"
    happened = crew.phrases(episode_id)
    assert any(
        one.endswith("tk01 circled by nobody: nobody reviewed it in time") for one in happened
    )
