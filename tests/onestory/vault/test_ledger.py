"""The ledger on a real gateway, and its fold over arbitrary events."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestory.documents import digest_of
from onestory.engines.take import NgReason
from onestory.errors import OrderError
from onestory.vault.events import Event, EventKind
from onestory.vault.ledger import SNAPSHOT_EVERY_EVENTS, Ledger, fold
from onestory.vault.store import Vault

ONE, TWO = digest_of(b"take one"), digest_of(b"take two")


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
        gates=TWO,
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
