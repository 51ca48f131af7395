"""Does a service answer? Asked over TCP or a unix socket, directly, past any proxy."""

import http.client
import socket
from pathlib import Path

from onestory.documents import Frozen


class HealthCheck(Frozen):
    """An HTTP request that a healthy service answers with 200; or that it listens, or lives."""

    path: str | None = None
    """What is asked for, or `None` if it is enough that the port takes a connection."""
    port: int | None = None
    """Loopback port, or `None` if the service listens on `unix_socket`, or nowhere."""
    unix_socket: Path | None = None

    @property
    def address(self) -> str | None:
        """Where the service listens; None for one that nobody calls."""
        if self.port is None and self.unix_socket is None:
            return None
        return str(self.unix_socket) if self.unix_socket else f"http://127.0.0.1:{self.port}"

    def passes(self, timeout_seconds: float = 5.0) -> bool:
        """Ask once. A process that listens nowhere is well while it lives."""
        if self.address is None:
            return True
        connection = self._connection(timeout_seconds)
        try:
            if self.path is None:
                connection.connect()
                return True
            connection.request("GET", self.path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _connection(self, timeout_seconds: float) -> http.client.HTTPConnection:
        if self.unix_socket is not None:
            return _UnixConnection(self.unix_socket, timeout_seconds)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_seconds)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
