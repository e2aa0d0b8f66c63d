"""Start the service on a model and talk to it, as any client would: a process of its own, JSON over HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 180  # the first start of a new installation compiles
HOST = "127.0.0.1"


class ServiceError(Exception):
    """The service refused, or did not start."""


class Client:
    """JSON calls to a service that runs on this machine, past any proxy; `key` is the API key to show."""

    def __init__(self, port: int, key: str = "") -> None:
        self.port = port
        self.key = key
        self.base = f"http://{HOST}:{port}"

    def get(self, path: str) -> Any:
        """GET a JSON document."""
        return self._call("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST a JSON document and return the answer."""
        return self._call("POST", path, json.dumps(body))

    def log_in(self) -> dict[str, str]:
        """Log in to the pages, as a browser's cookie."""
        form = urlencode({"key": self.key})
        answer, text = self._answer("POST", "/ui/login", form, "application/x-www-form-urlencoded")
        cookie = SimpleCookie(answer.headers.get("set-cookie", ""))
        if answer.status != http.client.SEE_OTHER or not cookie:
            raise ServiceError(f"{self.base}/ui/login: {answer.status} {text}")
        (morsel,) = cookie.values()
        return {"name": morsel.key, "value": morsel.value, "url": self.base}

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        answer, text = self._answer(method, path, body, "application/json")
        if answer.status not in {http.client.OK, http.client.CREATED}:
            raise ServiceError(f"{self.base}{path}: {answer.status} {text}")
        return json.loads(text)

    def _answer(self, method: str, path: str, body: str | None, kind: str) -> tuple[http.client.HTTPResponse, str]:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        with closing(connection):
            connection.request(method, path, body, headers | ({"Content-Type": kind} if body else {}))
            answer = connection.getresponse()
            return answer, answer.read().decode()


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
    """Run `python -m service` until the block ends; ServiceError if it is not ready.

    Its log and the admin key that its first start makes lie beside the database; the client shows that key.
    """
    require_free(port)
    log, key = database.with_suffix(".log"), database.with_suffix(".key")
    command = [sys.executable, "-m", "service", "--port", str(port), "--artifacts", str(artifacts)]
    command += ["--admin-key-file", str(key)]
    client = Client(port)
    with log.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--database", f"sqlite:///{database}"], stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(client, process, log)
        client.key = key.read_text(encoding="utf-8").strip()
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
