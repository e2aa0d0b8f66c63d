"""One client: JSON over one connection that is kept open, and made again after it broke."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from examples.service_load.options import BrokenPromiseError, require
from examples.serving import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.1
AGAIN = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


@dataclass(frozen=True)
class Answer:
    """What came back: `body` as bytes, header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Acknowledged:
    """A write that was answered 201 in the end.

    Attributes
    ----------
    refused : how often it was answered 503 before
    cut_off : how often nobody was there, or the connection broke before an answer
    already : whether the service had written it before the try that it answered
    """

    answer: Answer
    refused: int
    cut_off: int
    already: bool


class Caller:
    """A client that shows `key`; raises OSError or HTTPException where the connection breaks."""

    def __init__(self, port: int, key: str = "") -> None:
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request; `body` is JSON unless it is bytes. Underscores in names of headers become dashes."""
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if content is not None:
            sent = {"Content-Type": "application/json", **sent}
        try:
            self._connection.request(method, path, content, sent)
            found = self._connection.getresponse()
            return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection; the next request makes a new one."""
        self._connection.close()

    def write(self, path: str, body: Any, key: str) -> Acknowledged:
        """POST under an Idempotency-Key, again and again until it is acknowledged, as a client should."""
        refused, cut_off, deadline = 0, 0, time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.ask("POST", path, body, Idempotency_Key=key)
            except (OSError, http.client.HTTPException):
                cut_off += 1
            else:
                if answer.status == HTTPStatus.CREATED:
                    return Acknowledged(answer, refused, cut_off, "idempotency-replayed" in answer.headers)
                refused += 1
                require(
                    _may_come_again(answer),
                    f"a write is acknowledged or refused for now (was {answer.status}: {answer.body.decode()[:300]})",
                )
            time.sleep(PAUSE_SECONDS)
        raise BrokenPromiseError(f"NOT KEPT: a write is acknowledged within {PATIENCE_SECONDS:g} s")


def _may_come_again(answer: Answer) -> bool:
    """Whether a refusal is one after which the same request is to be sent again, and says so."""
    if answer.status == HTTPStatus.CONFLICT:
        return bool(answer.json()["type"].endswith(":in-flight"))
    if answer.status not in AGAIN:
        return False
    return answer.status != HTTPStatus.SERVICE_UNAVAILABLE or "retry-after" in answer.headers
