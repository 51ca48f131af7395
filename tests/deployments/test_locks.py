"""Who may work at once: producers of different films, and one gc that knows of them all."""

import threading
from pathlib import Path

import pytest

from deployments.locks import only_collector, only_producer
from onestory.errors import CollectorBusyError, EpisodeBusyError


def test_a_film_has_one_producer(tmp_path: Path) -> None:
    """The second one is refused, of another film admitted, and later let in."""
    with (
        only_producer(tmp_path, "one"),
        only_producer(tmp_path, "two"),
        pytest.raises(EpisodeBusyError, match="working on episode one"),
        only_producer(tmp_path, "one"),
    ):
        pass

    with only_producer(tmp_path, "one"):
        pass


def test_gc_knows_which_films_are_being_made(tmp_path: Path) -> None:
    """Those that are made now, not those that were."""
    with only_producer(tmp_path, "done"):
        pass

    with (
        only_producer(tmp_path, "one"),
        only_producer(tmp_path, "two"),
        only_collector(tmp_path) as filming,
    ):
        assert filming == ("one", "two")
    with only_collector(tmp_path) as filming:
        assert filming == ()


def test_two_gcs_do_not_work_at_once(tmp_path: Path) -> None:
    """The second one is told so in a sentence."""
    with (
        only_collector(tmp_path),
        pytest.raises(CollectorBusyError, match="another gc is at work"),
        only_collector(tmp_path),
    ):
        pass


def test_no_film_is_begun_while_gc_works(tmp_path: Path) -> None:
    """A producer that comes meanwhile waits until it is over, and is not refused."""
    began = threading.Event()

    def begin() -> None:
        with only_producer(tmp_path, "one"):
            began.set()

    with only_collector(tmp_path):
        producer = threading.Thread(target=begin)
        producer.start()
        assert not began.wait(1.5)
    producer.join(120)

    assert began.is_set()
