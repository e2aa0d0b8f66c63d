"""Start the service on a model and talk to it, as any client would: a process of its own, JSON over HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 60
HOST = "127.0.0.1"


class ServiceError(Exception):
    """The service refused, or did not start."""


class Client:
    """JSON calls to a service that runs on this machine, past any proxy."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base = f"http://{HOST}:{port}"

    def get(self, path: str) -> Any:
        """GET a JSON document."""
        return self._call("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST a JSON document and return the answer."""
        return self._call("POST", path, json.dumps(body))

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        with closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            text = answer.read().decode()
        if answer.status not in {http.client.OK, http.client.CREATED}:
            raise ServiceError(f"{self.base}{path}: {answer.status} {text}")
        return json.loads(text)


def require_free(port: int) -> None:
    """Raise ServiceError if something listens on the port: another service would answer in our place."""
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise ServiceError(f"port {port} is in use; choose another with --port")


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_service(artifacts: Path, database: Path, port: int) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
    """Run `python -m service` until the block ends, its log beside the database; ServiceError if it is not ready."""
    require_free(port)
    command = [sys.executable, "-m", "service", "--port", str(port), "--artifacts", str(artifacts)]
    log = database.with_suffix(".log")
    client = Client(port)
    with log.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--database", f"sqlite:///{database}"], stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(client, process, log)
        yield client, process
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_ready(client: Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_text(errors="replace").strip()
            raise ServiceError(f"the service ended with exit code {process.returncode}: {said}")
        try:
            client.get("/readyz")
        except (OSError, ServiceError):
            time.sleep(0.2)
        else:
            return
    raise ServiceError(f"the service was not ready after {START_SECONDS} s; see {log}")
