"""A language model's server, and a book that answers are kept in."""

from collections.abc import Iterator

import pytest

from onestory.testing.chatting import ChatServer, MemoryBook, chat_server


@pytest.fixture(name="server")
def _server() -> Iterator[ChatServer]:
    with chat_server() as served:
        yield served


@pytest.fixture(name="book")
def _book() -> MemoryBook:
    return MemoryBook()
