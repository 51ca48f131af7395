"""Does a service answer? Asked over TCP or a unix socket, directly, past any proxy."""

import http.client
import socket
from pathlib import Path

from onestory.documents import Frozen


class HealthCheck(Frozen):
    """One HTTP request that a healthy service answers with 200."""

    path: str
    port: int | None = None
    """Loopback port, or `None` if the service listens on `unix_socket`."""
    unix_socket: Path | None = None

    @property
    def address(self) -> str:
        """Where the service listens."""
        return str(self.unix_socket) if self.unix_socket else f"http://127.0.0.1:{self.port}"

    def passes(self, timeout_seconds: float = 5.0) -> bool:
        """Ask once."""
        connection = self._connection(timeout_seconds)
        try:
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
