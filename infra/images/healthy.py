"""
Is a service well? Asked from inside its own container, with nothing but Python.

    healthy.py http://127.0.0.1:4200/api/health       answers 200
    healthy.py /run/onestory/engine.sock              its /health answers 200, on a unix socket
    healthy.py prefect-services                       background services of this container live

The exit code is the answer.
"""

import http.client
import os
import socket
import sys
import time
import urllib.request

SECONDS = 5.0
SILENT_SECONDS = 20.0


class _Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


def answers(address: str) -> bool:
    """Whether an HTTP address, or the path of a unix socket, answers 200."""
    if address.startswith("/"):
        connection = _Unix(address)
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    # Past any proxy: it is asked from where it runs.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address, timeout=SECONDS) as response:
        return bool(response.status == http.HTTPStatus.OK)


def works() -> bool:
    """Whether this container's Prefect services were heard of in Redis a moment ago."""
    # Only the image of the services has it.
    from redis import Redis

    redis = Redis.from_url(os.environ["PREFECT_SERVER_DOCKET_URL"], socket_timeout=SECONDS)
    heard = redis.zrangebyscore("prefect:workers", time.time() - SILENT_SECONDS, "+inf")
    here = f"{socket.gethostname()}#"
    return any(name.decode().startswith(here) for name in heard)


def main() -> int:
    """0 if well; whatever goes wrong is a no."""
    (wanted,) = sys.argv[1:]
    is_well = works() if wanted == "prefect-services" else answers(wanted)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
