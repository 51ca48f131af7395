"""
What if the network fails between a machine and its studio? A line that can be cut.

    with Line(port) as line:
        ...                     # whoever calls 127.0.0.1:line.port speaks to `port`
        line.cut()              # connections break, new ones are refused
        line.stall()            # connections stay, and nothing passes any more
        line.mend()
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_PIECE_BYTES = 65536
_POLL_SECONDS = 0.2


class Line:
    """A TCP line on loopback."""

    def __init__(self, target: int) -> None:
        """
        Args:
            target: Loopback port at its other end.
        """
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._ends: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._listener: socket.socket | None = None
        self.port = 0
        """Where it is called."""

    def __enter__(self) -> Self:
        """Open the line."""
        self._listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it for good."""
        self.cut()
        self._flows.set()

    def cut(self) -> None:
        """Break all connections, and refuse new ones until it is mended."""
        if self._listener is not None:
            # Woken from `accept` first: a port that somebody waits at stays taken.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._guard:
            ends, self._ends = self._ends, set()
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def stall(self) -> None:
        """Let nothing pass until it is mended; what was sent meanwhile passes then."""
        self._flows.clear()

    def mend(self) -> None:
        """Be as at first."""
        self._flows.set()
        if self._listener is None:
            self._listen()

    def _listen(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._answer, args=(listener,), daemon=True).start()

    def _answer(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            try:
                called = socket.create_connection(("127.0.0.1", self._target), timeout=10)
            except OSError:
                caller.close()
                continue
            called.settimeout(None)
            with self._guard:
                self._ends |= {caller, called}
            for one, other in ((caller, called), (called, caller)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(_PIECE_BYTES):
                while not self._flows.wait(_POLL_SECONDS):
                    pass
                other.sendall(piece)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._guard:
            self._ends -= {one}
        one.close()
