"""The ledger on a real gateway, and its fold over arbitrary events."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestory.documents import Digest, digest_of
from onestory.engines.take import GateResult, NgReason, Verdict
from onestory.errors import OrderError
from onestory.vault.events import Event, EventKind, Hold, ShotOrder
from onestory.vault.history import versions_of
from onestory.vault.ledger import SNAPSHOT_EVERY_EVENTS, EpisodeState, Ledger, fold
from onestory.vault.store import Vault

ONE, TWO = digest_of(b"take one"), digest_of(b"take two")
THREE = digest_of(b"take three")
REVERTED = EventKind.REVERTED


def _event(sequence: int, kind: EventKind, **fields: object) -> Event:
    return Event.model_validate(
        {"kind": kind, "sequence": sequence, "at": "2026-01-01T00:00:00", "writer": "x", **fields}
    )


def test_another_reader_folds_to_the_same_state(vault: Vault, episode_id: str) -> None:
    """What one process says, any other process reads."""
    ledger = Ledger(vault, episode_id)
    ledger.broken_down(title="Tiny", episode=ONE, sheet=TWO)
    ledger.rendered("sc01-sh001", prefix="s01e01", address=ONE, rung=0)
    ledger.judged(
        "sc01-sh001",
        address=ONE,
        question=TWO,
        is_passed=False,
        reasons=(NgReason.BLACK,),
        badness=1.5,
    )
    ledger.rendered("sc01-sh001", prefix="s01e01", address=TWO, rung=1)
    ledger.circle("sc01-sh001", address=TWO, by="gates", why="passed")

    state = Ledger(vault, episode_id).state

    shot = state.shots["sc01-sh001"]
    assert (state.title, state.episode, state.sheet) == ("Tiny", ONE, TWO)
    assert [take.slate for take in shot.takes] == [
        "s01e01-sc01-sh001-tk01",
        "s01e01-sc01-sh001-tk02",
    ]
    assert shot.takes[0].reasons == (NgReason.BLACK,)
    assert shot.circled is not None
    assert (shot.circled.address, shot.circled.rung) == (TWO, 1)


def test_saying_the_same_again_writes_nothing(vault: Vault, episode_id: str) -> None:
    """A verb that is repeated after a crash leaves the history as it was."""
    ledger = Ledger(vault, episode_id)
    for _ in range(3):
        ledger.broken_down(title="Tiny", episode=ONE, sheet=TWO)
        ledger.keyframe("sc01-sh001", TWO, recipe=ONE)
        ledger.rendered("sc01-sh001", prefix="s01e01", address=ONE, rung=0)
        ledger.circle("sc01-sh001", address=ONE, by="gates", why="passed")
        ledger.delivered(TWO)

    assert [event.kind for event in Ledger(vault, episode_id).history()] == [
        EventKind.BROKEN_DOWN,
        EventKind.KEYFRAME,
        EventKind.RENDERED,
        EventKind.CIRCLED,
        EventKind.DELIVERED,
    ]


def test_two_writers_lose_no_word(vault: Vault, episode_id: str) -> None:
    """Two producers that never read each other's events end in one state for every reader."""
    left, right = Ledger(vault, episode_id), Ledger(vault, episode_id)
    left.rendered("sc01-sh001", prefix="s01e01", address=ONE, rung=0)
    right.rendered("sc01-sh001", prefix="s01e01", address=TWO, rung=0)
    right.circle("sc01-sh001", address=TWO, by="gates", why="passed")
    left.circle("sc01-sh001", address=ONE, by="gates", why="passed")

    readers = [Ledger(vault, episode_id) for _ in range(2)]
    left.refresh()

    assert len(readers[0].history()) == 4
    assert readers[0].state == readers[1].state == left.state
    assert {take.address for take in left.state.shots["sc01-sh001"].takes} == {ONE, TWO}


def test_a_snapshot_changes_nothing_but_speed(vault: Vault, episode_id: str) -> None:
    """The state is the same whether events are read one by one or from a snapshot."""
    ledger = Ledger(vault, episode_id)
    for number in range(SNAPSHOT_EVERY_EVENTS):
        address = digest_of(str(number).encode())
        ledger.rendered(f"sc01-sh{number % 5:03d}", prefix="s01e01", address=address, rung=0)
    ledger.delivered(ONE)
    ledger.circle("sc01-sh003", address=digest_of(b"3"), by="person", why="better eyes")

    read = Ledger(vault, episode_id)

    assert vault.list_keys(f"snapshots/{episode_id}/")
    assert read.state == ledger.state
    assert read.history() == ledger.history()


def test_a_take_of_another_shot_cannot_be_circled(vault: Vault, episode_id: str) -> None:
    """Circling names a take that the shot has."""
    ledger = Ledger(vault, episode_id)
    ledger.rendered("sc01-sh001", prefix="s01e01", address=ONE, rung=0)

    with pytest.raises(OrderError, match="none of the 1 takes"):
        ledger.circle("sc01-sh001", address=TWO, by="person", why="")


def test_an_episode_id_is_never_a_path(vault: Vault) -> None:
    """An id that would climb out of the ledger's folder is refused."""
    with pytest.raises(OrderError, match=r"'\.\./other' is not a slug"):
        Ledger(vault, "../other")


def test_an_order_is_entered_once_for_a_run(vault: Vault, episode_id: str) -> None:
    """A flow run that is retried orders nothing a second time, in another process either."""
    order = ShotOrder(shot="sc01-sh001", written=ONE, seed=7)
    hold = Hold(shot="sc01-sh002", take=ONE, written=ONE)
    Ledger(vault, episode_id).ordered("run-1", orders=[order], holds=[hold])
    retried = Ledger(vault, episode_id)
    retried.ordered("run-1", orders=[order.model_copy(update={"seed": 8})])
    retried.ordered("run-2", withdrawn=["sc01-sh002"])

    state = Ledger(vault, episode_id).state

    assert len(retried.history()) == 2
    assert state.shots["sc01-sh001"].order == order
    assert state.shots["sc01-sh002"].hold is None


def test_what_is_written_in_pencil_is_read_by_nobody_else(vault: Vault, episode_id: str) -> None:
    """A price can be asked for without ordering anything."""
    ledger = Ledger(vault, episode_id)
    ledger.write_in_pencil()
    ledger.ordered("", orders=[ShotOrder(shot="sc01-sh001", written=ONE, seed=7)])

    assert ledger.state.shots["sc01-sh001"].order is not None
    assert Ledger(vault, episode_id).history() == []


def test_rejecting_the_circled_take_uncircles_it() -> None:
    """A person's word goes over the gates'."""
    state = fold(
        [
            _event(1, EventKind.RENDERED, shot="a", slate="a-tk01", take=ONE),
            _event(2, EventKind.CIRCLED, shot="a", take=ONE, by="gates"),
            _event(3, EventKind.REJECTED, shot="a", take=ONE, by="person", why="eyes closed"),
        ]
    )

    assert state.shots["a"].circled is None
    assert state.shots["a"].takes[0].rejected_why == "eyes closed"


def _decided(state: EpisodeState, known: EpisodeState) -> list[object]:
    """What somebody decided in a state, of the shots and takes that another one knows."""
    shots = {
        slate: (
            state.shot(slate).circled,
            [state.shot(slate).entry(take.address) for take in shot.takes],
        )
        for slate, shot in known.shots.items()
    }
    unknown = [shot for slate, shot in state.shots.items() if slate not in known.shots]
    has_more = any(shot.circled for shot in unknown)
    return [state.title, state.episode, state.sheet, state.delivery, shots, has_more]


def test_a_version_is_restored_for_every_reader(vault: Vault, episode_id: str) -> None:
    """A revert circles what was circled then, and loses no take that was made since."""
    ledger = Ledger(vault, episode_id)
    ledger.broken_down(title="Tiny", episode=ONE, sheet=TWO)
    ledger.keyframe("sc01-sh001", ONE, recipe=TWO)
    ledger.rendered("sc01-sh001", prefix="s01e01", address=ONE, rung=0)
    ledger.circle("sc01-sh001", address=ONE, by="gates", why="passed")
    ledger.delivered(ONE)
    version = ledger.state.sequence
    ledger.broken_down(title="Tiny", episode=TWO, sheet=ONE)
    ledger.keyframe("sc01-sh001", TWO, recipe=ONE)
    ledger.rendered("sc01-sh001", prefix="s01e01", address=TWO, rung=0)
    ledger.circle("sc01-sh001", address=TWO, by="gates", why="passed")
    ledger.rendered("sc01-sh001A", prefix="s01e01", address=TWO, rung=0)
    ledger.circle("sc01-sh001A", address=TWO, by="gates", why="passed")
    ledger.delivered(TWO)

    ledger.revert(version)

    state = Ledger(vault, episode_id).state
    shot = state.shots["sc01-sh001"]
    assert state == ledger.state
    assert (state.episode, state.sheet, state.delivery) == (ONE, TWO, ONE)
    assert shot.keyframes == {TWO: ONE, ONE: TWO}, "what was drawn is a fact"
    assert shot.circled is not None
    assert shot.circled.address == ONE
    assert [take.address for take in shot.takes] == [ONE, TWO]
    assert state.shots["sc01-sh001A"].circled is None
    assert ledger.rendered("sc01-sh001", prefix="s", address=THREE, rung=0).slate.endswith("tk03")


def test_a_revert_is_reverted_like_anything_else(vault: Vault, episode_id: str) -> None:
    """Back to version 3, and back from there, and there once more."""
    ledger = Ledger(vault, episode_id)
    ledger.broken_down(title="Tiny", episode=ONE, sheet=TWO)
    ledger.rendered("sc01-sh001", prefix="s01e01", address=ONE, rung=0)
    ledger.circle("sc01-sh001", address=ONE, by="gates", why="passed")
    ledger.rendered("sc01-sh001", prefix="s01e01", address=TWO, rung=0)
    ledger.circle("sc01-sh001", address=TWO, by="person", why="better eyes")
    for version, circled in ((3, ONE), (5, TWO), (6, ONE), (2, None), (8, ONE)):
        ledger.revert(version)
        now = Ledger(vault, episode_id).state.shots["sc01-sh001"].circled
        assert (now.address if now else None) == circled

    assert [event.version for event in ledger.history()][5:] == [3, 5, 6, 2, 8]


def test_a_version_brings_its_orders_back(vault: Vault, episode_id: str) -> None:
    """What a person ordered and froze then is ordered and frozen again, and the history says so."""
    ledger = Ledger(vault, episode_id)
    order = ShotOrder(shot="sc01-sh001", written=ONE, seed=7)
    hold = Hold(shot="sc01-sh002", take=ONE, written=ONE, is_frozen=True)
    ledger.ordered("monday", orders=[order], holds=[hold])
    version = ledger.state.sequence
    ledger.ordered("tuesday", withdrawn=["sc01-sh001", "sc01-sh002"])
    withdrawn = ledger.state.shot("sc01-sh001").order

    ledger.revert(version)

    state = Ledger(vault, episode_id).state
    assert withdrawn is None
    assert state.shot("sc01-sh001").order == order
    assert state.shot("sc01-sh002").hold == hold
    assert state.runs == {"monday", "tuesday"}
    assert [one.what for one in versions_of(ledger.history())] == [
        "seed of sc01-sh001 ordered; sc01-sh002 frozen",
        "orders of sc01-sh001 withdrawn; orders of sc01-sh002 withdrawn",
        f"version {version} restored",
    ]


def test_a_rejection_that_is_undone_is_undone() -> None:
    """A take that was rejected after the version that is restored can be used again."""
    told = [
        _event(1, EventKind.RENDERED, shot="a", slate="a-tk01", take=ONE),
        _event(2, EventKind.CIRCLED, shot="a", take=ONE, by="gates"),
        _event(3, EventKind.REJECTED, shot="a", take=ONE, by="person", why="eyes closed"),
    ]

    back = fold([*told, _event(4, REVERTED, version=2)])
    forth = fold([*told, _event(4, REVERTED, version=2), _event(5, REVERTED, version=3)])

    assert back.shots["a"].circled is not None
    assert back.shots["a"].takes[0].rejected_why == ""
    assert forth.shots["a"].circled is None
    assert forth.shots["a"].takes[0].rejected_why == "eyes closed"


def test_a_person_rejects_a_take_and_thinks_again(vault: Vault, episode_id: str) -> None:
    """Who, why and when are read by everybody; circled by a person, it is rejected no more."""
    ledger, shot = Ledger(vault, episode_id), "sc01-sh001"
    for address in (ONE, TWO):
        ledger.rendered(shot, prefix="s01e01", address=address, rung=0)
    ledger.circle(shot, address=ONE, by="gates", why="passed", is_waiting_for_review=True)
    for _ in range(2):
        ledger.reject(
            shot, address=ONE, reason=NgReason.IDENTITY, note="not her eyes", person="Ada"
        )
    ledger.rendered(shot, prefix="s01e01", address=THREE, rung=1)

    rejected = Ledger(vault, episode_id).state.shot(shot)
    ledger.circle(shot, address=ONE, by="person", why="it is her", person="Grace")
    circled = Ledger(vault, episode_id).state.shot(shot)

    assert rejected.circled is None
    assert rejected.takes[0].rejected_why == "identity, not her eyes"
    assert [take.address for take in rejected.seen_when_rejected] == [ONE, TWO]
    assert (rejected.num_decisions, circled.num_decisions) == (1, 2)
    assert circled.circled is not None
    assert (circled.circled.who, circled.circled.is_waiting_for_review) == ("Grace", False)
    assert circled.takes[0].rejected_why == ""
    assert circled.seen_when_rejected == []
    assert [one.what for one in versions_of(ledger.history())][-3:] == [
        "s01e01-sc01-sh001-tk01 rejected by Ada: identity, not her eyes",
        "s01e01-sc01-sh001-tk03 rendered",
        "s01e01-sc01-sh001-tk01 circled by Grace: it is her",
    ]
    with pytest.raises(OrderError, match="none of its takes"):
        ledger.reject("sc01-sh002", address=ONE, reason=NgReason.PERSON)


def test_a_version_that_is_in_force_is_not_restored_again(vault: Vault, episode_id: str) -> None:
    """A revert that is repeated after a crash leaves the history as it was."""
    ledger = Ledger(vault, episode_id)
    ledger.broken_down(title="Tiny", episode=ONE, sheet=TWO)
    ledger.broken_down(title="Tiny", episode=TWO, sheet=ONE)
    ledger.revert(2)
    ledger.revert(1)
    for _ in range(3):
        Ledger(vault, episode_id).revert(1)

    assert [event.version for event in Ledger(vault, episode_id).history()] == [None, None, 1]


@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_version_that_never_was_is_refused(vault: Vault, episode_id: str, version: int) -> None:
    """Whoever mistypes a number is told which is the last."""
    ledger = Ledger(vault, episode_id)
    ledger.broken_down(title="Tiny", episode=ONE, sheet=TWO)

    with pytest.raises(OrderError, match=f"has no version {version}, its last is 1"):
        ledger.revert(version)


def test_an_event_of_version_1_is_read() -> None:
    """Ledgers from before there were reverts tell what they told then."""
    sample = (
        b'{"at":"2026-01-01T00:00:00.000000","badness":0.0,"blob":"sha256:00","by":null,'
        b'"gates":null,"is_passed":null,"is_waiting_for_review":false,"kind":"broken down",'
        b'"reasons":[],"rung":0,"schema":"Event.1","sequence":1,"sheet":"sha256:11","shot":"",'
        b'"slate":"","take":null,"title":"Tiny","why":"","writer":"floor:7"}'
    )

    event = Event.from_json(sample)

    assert (event.kind, event.title, event.sequence) == (EventKind.BROKEN_DOWN, "Tiny", 1)
    assert (event.run, event.version) == ("", None)
    assert Event.from_json(event.to_json()) == event


def test_an_event_of_version_2_names_its_verdict(vault: Vault) -> None:
    """What gates said before they were shown other takes is found under its old name."""
    result = GateResult(gate="black", value=0.0, threshold=0.5, unit="frames", is_passed=True)
    verdict = Verdict(take=ONE, gates=TWO, results=(result,))
    old = f"verdicts/{ONE.removeprefix('sha256:')}-{TWO.removeprefix('sha256:')}.json"
    vault.put_new(old, verdict.to_json())
    sample = (
        f'{{"at":"2026-01-01T00:00:00.000000","gates":"{TWO}","is_passed":true,"kind":"verdict",'
        f'"schema":"Event.2","sequence":2,"shot":"sc01-sh001","take":"{ONE}","writer":"floor:7"}}'
    )

    event = Event.from_json(sample.encode())

    assert event.question == TWO
    assert vault.find_verdict(ONE, TWO) == verdict
    assert Event.from_json(event.to_json()) == event


def test_an_event_of_version_3_is_read() -> None:
    """Ledgers from before looks were imported tell what they told then."""
    sample = (
        b'{"at":"2026-01-01T00:00:00.000000","blob":"sha256:00","kind":"broken down",'
        b'"question":null,"schema":"Event.3","sequence":1,"title":"Tiny","writer":"floor:7"}'
    )

    event = Event.from_json(sample)

    assert (event.title, event.source, event.names) == ("Tiny", "", ())
    assert Event.from_json(event.to_json()) == event


def test_an_event_of_version_4_is_read() -> None:
    """Ledgers from before crashes were entered tell what they told then."""
    sample = (
        b'{"at":"2026-01-01T00:00:00.000000","kind":"imported","names":["MARA"],'
        b'"schema":"Event.4","sequence":1,"source":"four","writer":"floor:7"}'
    )

    event = Event.from_json(sample)

    assert (event.source, event.names) == ("four", ("MARA",))
    assert Event.from_json(event.to_json()) == event


@pytest.mark.parametrize("decision", ["circle", "reject", "order", "withdraw"])
def test_a_shot_that_crashed_waits_until_something_of_it_is_decided(
    vault: Vault, episode_id: str, decision: str
) -> None:
    """Whatever that is, also if it is what was decided before; crashes are entered once a run."""
    ledger, shot = Ledger(vault, episode_id), "sc01-sh001"
    ledger.rendered(shot, prefix="s01e01", address=ONE, rung=0)
    ledger.circle(shot, address=ONE, by="person", why="it is her")
    if decision == "reject":
        ledger.reject(shot, address=ONE, reason=NgReason.IDENTITY)
    for why in ("on workers a, b", "told again"):
        ledger.crashed(shot, why=why, run="run-7/crash-3")
    waiting = Ledger(vault, episode_id).state.shot(shot)
    assert waiting.crashed == "on workers a, b"
    ledger.quarantined(shot, why="no picture")
    ledger.ordered("other", orders=[ShotOrder(shot="sc01-sh002", written=TWO)])
    assert ledger.state.shot(shot).crashed

    if decision == "circle":
        ledger.circle(shot, address=ONE, by="person", why="it is her")
    elif decision == "reject":
        ledger.reject(shot, address=ONE, reason=NgReason.IDENTITY)
    elif decision == "order":
        ledger.ordered("run-8", orders=[ShotOrder(shot=shot, written=TWO)])
    else:
        ledger.ordered("run-8", withdrawn=[shot])

    decided = Ledger(vault, episode_id).state.shot(shot)
    assert decided.crashed == ""
    assert decided.num_decisions == waiting.num_decisions + 1
    ledger.crashed(shot, why="told late", run="run-7/crash-3")
    assert ledger.state.shot(shot).crashed == ""
    assert f"{shot} waits for a person: on workers a, b" in [
        one.what for one in versions_of(ledger.history())
    ]


def test_where_a_film_goes_on_is_entered_once(vault: Vault, episode_id: str) -> None:
    """The history says it, and nothing of any shot changes."""
    ledger, shot = Ledger(vault, episode_id), "sc01-sh001"
    ledger.rendered(shot, prefix="s01e01", address=ONE, rung=0)
    before = ledger.state.shots
    for run in ("run-7", "run-7", "run-8"):
        ledger.moved(shot if run == "run-7" else "", why="to the pool big", run=run)

    state = Ledger(vault, episode_id).state
    assert state.shots == before
    assert [one.what for one in versions_of(ledger.history())][1:] == [
        f"filming moved at {shot}: to the pool big",
        "filming moved at some shot: to the pool big",
    ]


def test_a_revert_takes_imports_back(vault: Vault, episode_id: str) -> None:
    """Whose looks are taken is part of a version; said twice, it is entered once."""
    ledger = Ledger(vault, episode_id)
    for blob in (ONE, ONE, TWO):
        ledger.imported("four", episode=blob, names=("MARA",))

    assert ledger.state.imports == {"four": TWO}
    assert ledger.state.sequence == 2
    ledger.revert(1)
    assert ledger.state.imports == {"four": ONE}


def test_every_event_says_which_run_wrote_it(vault: Vault, episode_id: str) -> None:
    """The history of an episode leads to the flow runs that made it."""
    Ledger(vault, episode_id, run="run-7").broken_down(title="Tiny", episode=ONE, sheet=TWO)

    (event,) = Ledger(vault, episode_id).history()

    assert event.run == "run-7"


DECISIONS = st.sampled_from(
    [kind for kind in EventKind if kind not in (EventKind.VERDICT, EventKind.QUARANTINED)]
)
STORIES = st.lists(
    st.tuples(DECISIONS, st.sampled_from("ab"), st.sampled_from([ONE, TWO]), st.integers(1, 12)),
    min_size=1,
    max_size=14,
)


@given(STORIES, st.integers(1, 14))
def test_whatever_was_decided_in_a_version_is_in_force_after_its_revert(
    told: list[tuple[EventKind, str, Digest, int]], version: int
) -> None:
    """However a story went, with reverts of reverts in it, every version of it comes back."""
    events = [
        _event(
            number,
            kind,
            shot=shot,
            slate=f"{shot}-tk",
            take=take,
            blob=take,
            sheet=take,
            title=f"title {number}",
            by="gates",
            why=f"word {number}",
            version=version if kind is REVERTED else None,
        )
        for number, (kind, shot, take, version) in enumerate(told, start=1)
    ]
    version = min(version, len(events))

    after = fold([*events, _event(len(events) + 1, REVERTED, version=version)])

    now, then = fold(events), fold(events[:version])
    assert _decided(after, then) == _decided(then, then)
    assert {slate: len(shot.takes) for slate, shot in after.shots.items()} == {
        slate: len(shot.takes) for slate, shot in now.shots.items()
    }


KINDS = st.sampled_from([EventKind.RENDERED, EventKind.CIRCLED, EventKind.REJECTED])


@given(
    st.lists(st.tuples(KINDS, st.sampled_from("abc"), st.sampled_from([ONE, TWO]))), st.randoms()
)
def test_a_circled_take_was_always_rendered(
    told: list[tuple[EventKind, str, str]], chance: random.Random
) -> None:
    """However events are mixed, no shot is circled that has no such take, nor one twice."""
    events = [
        _event(number, kind, shot=shot, slate=f"{shot}-tk", take=take, by="gates")
        for number, (kind, shot, take) in enumerate(told, start=1)
    ]
    chance.shuffle(events)

    state = fold(events)

    for shot in state.shots.values():
        addresses = [take.address for take in shot.takes]
        assert len(addresses) == len(set(addresses))
        assert shot.circled is None or shot.circled.address in addresses
