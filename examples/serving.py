"""Start the service on a model and talk to it, as any client would: a process of its own, JSON over HTTP."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 60


class ServiceError(Exception):
    """The service refused, or did not start."""


class Client:
    """JSON calls to one running service."""

    def __init__(self, base: str) -> None:
        self.base = base

    def get(self, path: str) -> Any:
        """GET a JSON document."""
        return self._call(urllib.request.Request(self.base + path))  # noqa: S310 - our own address

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST a JSON document and return the answer."""
        headers = {"Content-Type": "application/json"}
        return self._call(urllib.request.Request(self.base + path, json.dumps(body).encode(), headers))  # noqa: S310

    def _call(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ServiceError(f"{request.full_url}: {error.code} {error.read().decode()}") from None


def require_free(port: int) -> None:
    """Raise ServiceError if something listens on the port: another service would answer in our place."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise ServiceError(f"port {port} is in use; choose another with --port")


@contextmanager
def running_service(artifacts: Path, database: Path, port: int) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
    """Run `python -m service` until the block ends, its log beside the database; ServiceError if it is not ready."""
    require_free(port)
    command = [sys.executable, "-m", "service", "--port", str(port), "--artifacts", str(artifacts)]
    log = database.with_suffix(".log")
    client = Client(f"http://127.0.0.1:{port}")
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
        except (urllib.error.URLError, ServiceError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    raise ServiceError(f"the service was not ready after {START_SECONDS} s; see {log}")
