"""Who breaks a script down is ordered; a model's answers lie in the vault."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from onestory.breakdown.address import ModelAddress
from onestory.engine_server.stage import Stage
from onestory.engines.remembering import RememberingEngine
from onestory.errors import ModelAwayError, OrderError, WeightsError
from onestory.production.call_sheet import CallSheet
from onestory.production.order import EpisodeOrder
from onestory.production.unit import Unit
from onestory.production.writing import chat_for
from onestory.screenplay.episode import Episode
from onestory.testing.chatting import ChatServer, chat_server, status
from onestory.testing.in_process import engine_of
from onestory.vault.store import Vault

KEY = "sk-hush-hush"


def broken_down(
    vault: Vault, server: ChatServer, script: Path, episode: str, **order: Any
) -> tuple[CallSheet, Episode]:
    """A script, broken down by a unit of its own."""
    unit = Unit(
        vault,
        engine_of(Stage(RememberingEngine(), vault)),
        None,
        model=ModelAddress(url=server.url, model=episode, api_key=KEY),
    )
    wanted = EpisodeOrder(script=str(script), episode=episode, breakdown="server", **order)
    sheet = asyncio.run(unit.break_down(wanted))
    return sheet, unit.records.episode_of(sheet)


@pytest.fixture(name="script")
def _script(tmp_path: Path) -> Path:
    """One scene."""
    path = tmp_path / "tiny.fountain"
    path.write_text("Title: Tiny\n\nINT. KITCHEN - DAY\n\nMara waves.\n\nMARA\nHello there.\n")
    return path


def test_a_second_unit_asks_nobody(vault: Vault, script: Path, episode_id: str) -> None:
    """The vault keeps what was answered, and the sheet says by whom and from what."""
    with chat_server() as server:
        one, episode = broken_down(vault, server, script, episode_id)
        asked = len(server.requests)
        server.always = status(500)
        other, again = broken_down(vault, server, script, episode_id)

        assert len(server.requests) == asked == 3
    assert again == episode
    assert other.breakdown == one.breakdown
    assert one.breakdown is not None
    assert (one.breakdown.by, one.breakdown.model) == ("server", episode_id)
    assert len(one.breakdown.answers) == 3
    assert KEY not in one.model_dump_json() + episode.model_dump_json()


def test_rules_take_over_only_if_they_may(vault: Vault, script: Path, episode_id: str) -> None:
    """By default a failure ends the work; if an order lets rules go on, the sheet says so."""
    with chat_server() as server:
        server.always = status(503, "busy")
        with pytest.raises(ModelAwayError, match="answered 503: busy"):
            broken_down(vault, server, script, episode_id)
        sheet, _ = broken_down(vault, server, script, episode_id, when_model_fails="rules")

    assert sheet.breakdown is not None
    assert sheet.breakdown.by == "rules"
    assert "answered 503: busy" in sheet.breakdown.instead_of


def test_a_failure_enters_nothing(vault: Vault, script: Path, episode_id: str) -> None:
    """An episode whose breakdown failed is as it was."""
    before = vault.list_keys(f"ledger/{episode_id}/")
    with chat_server() as server:
        server.always = status(404)
        with pytest.raises(Exception, match="answered 404"):
            broken_down(vault, server, script, episode_id)

    assert vault.list_keys(f"ledger/{episode_id}/") == before == []


@pytest.mark.parametrize(
    ("by", "address", "words"),
    [
        ("server", ModelAddress(), "by which model"),
        ("server", ModelAddress(model="tiny"), "nobody said which"),
        ("transformers", ModelAddress(), "the folder of a chat model"),
    ],
)
def test_a_model_that_nobody_named_is_bad_input(by: Any, address: ModelAddress, words: str) -> None:
    """The hint names the setting."""
    with pytest.raises(OrderError) as caught:
        chat_for(by, address)

    assert words in str(caught.value)
    assert "ONESTORY_BREAKDOWN_" in str(caught.value)


def test_rules_need_no_model() -> None:
    """The default asks for nothing."""
    assert chat_for("rules", ModelAddress()) is None


def test_a_local_model_is_looked_for_first(tmp_path: Path) -> None:
    """A folder without a model is found out before anything is started."""
    with pytest.raises(WeightsError, match="no chat model"):
        chat_for("transformers", ModelAddress(model=str(tmp_path)))


def test_an_address_does_not_show_its_key() -> None:
    """Not even where it is printed by mistake."""
    assert KEY not in repr(ModelAddress(url="http://a/v1", model="tiny", api_key=KEY))
