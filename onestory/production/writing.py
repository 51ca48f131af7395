"""
Who breaks the script of an order down, and what if they cannot?

    order.breakdown ─┬─ rules
                     ├─ transformers ─ a model on this machine ─┬─ the episode, and its record
                     └─ server ─────── an OpenAI-compatible one ┘
                                         │ fails
                          when_model_fails: stop, or rules, which the record says

A model's answers lie in the vault as lookups, each under the name of its question.
"""

import logging
from typing import Any

from onestory.breakdown.address import ModelAddress
from onestory.breakdown.chat import Chat
from onestory.breakdown.layout import (
    BreakdownBy,
    BreakdownRecord,
    LaidOut,
    break_down_by_model,
    screenplay_digest,
)
from onestory.breakdown.rules import break_down
from onestory.documents import Digest
from onestory.errors import BreakdownError, OrderError
from onestory.production.order import EpisodeOrder
from onestory.screenplay.script import Screenplay
from onestory.vault.store import Vault

logger = logging.getLogger("onestory.production")

BREAKDOWN = "breakdown"
"""Kind of lookup that keeps a model's answer."""


class _VaultBook:
    """Keeps answers in a vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def find(self, key: Digest) -> dict[str, Any] | None:
        return self._vault.find_lookup(BREAKDOWN, key)

    def keep(self, key: Digest, answer: dict[str, Any]) -> None:
        self._vault.put_lookup(BREAKDOWN, key, answer)


def chat_for(by: BreakdownBy, address: ModelAddress) -> Chat | None:
    """
    The model that an order asks for.

    Args:
        by: Who breaks the script down.
        address: Where the model is.

    Returns:
        The model, which was not asked anything yet; None for rules.

    Raises:
        OrderError: If it is not said which model, or where.
        WeightsError: If there is no model in that folder.
    """
    if by == "rules":
        return None
    if not address.model:
        which = "the folder of a chat model" if by == "transformers" else "its name for a model"
        raise OrderError(
            f"the breakdown is ordered by {by}, and nobody said by which model",
            hint=f"set ONESTORY_BREAKDOWN_MODEL to {which}, or order --breakdown rules",
        )
    if by == "transformers":
        # Loads torch, which nobody needs who asks a server.
        from onestory.breakdown.chat_local import LocalChat

        return LocalChat(address.model, seconds=address.seconds)
    if not address.url:
        raise OrderError(
            "the breakdown is ordered by a server, and nobody said which",
            hint="set ONESTORY_BREAKDOWN_URL, for example to http://127.0.0.1:8000/v1",
        )
    from onestory.breakdown.chat_server import ServerChat

    return ServerChat(address.url, address.model, api_key=address.api_key, seconds=address.seconds)


def break_down_as_ordered(
    screenplay: Screenplay, order: EpisodeOrder, vault: Vault, address: ModelAddress
) -> LaidOut:
    """
    Turn a screenplay into shots, by whom the order names.

    Args:
        screenplay: The script as written.
        order: Says who, and what if a model fails.
        vault: Where a model's answers lie, and are found by the next run.
        address: Where the model is.

    Returns:
        The episode with provisional slates, and the record of who made it.

    Raises:
        CaptionError: If a ready-made caption says "the same …" of nobody known.
        OrderError: If it is not said which model, or where.
        BreakdownError: If the model fails, and the order says to stop then. What it answered
            before is kept.
        WeightsError: If there is no such model on this machine.
    """
    by_rules = BreakdownRecord(by="rules", screenplay=screenplay_digest(screenplay))
    chat = chat_for(order.breakdown, address)
    if chat is None:
        return LaidOut(break_down(screenplay), by_rules)
    try:
        return break_down_by_model(screenplay, chat, _VaultBook(vault), by=order.breakdown)
    except BreakdownError as error:
        if order.when_model_fails == "stop":
            raise
        logger.warning("breakdown.by_rules instead_of=%s cause=%s", order.breakdown, error)
        why = f"{order.breakdown}: {error.message}"
        return LaidOut(break_down(screenplay), by_rules.model_copy(update={"instead_of": why}))
