"""The outermost layer: what holds for every request and every response, whatever is inside."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders

from service.access.errors import LateError, OverloadedError
from service.api.metrics import METHODS
from service.api.strict_json import RequestRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.api.metrics import Metrics
    from service.api.templates import Templates

ALWAYS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}
OVER_TLS = {"strict-transport-security": "max-age=31536000"}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# Whoever watches the process asks by its address, not by its name.
PROBES = ("/healthz", "/readyz")
MOST_IN_FLIGHT = 200
DEADLINE_SECONDS = 30.0
LATE = "There was no answer in time. A change may have been made: ask, or send it again with the same Idempotency-Key."
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")

log = logging.getLogger("service.requests")


@dataclass(frozen=True)
class Manners:
    """What the shell goes by.

    Attributes
    ----------
    hosts : names under which the service may be asked. A page of somebody else's could reach a service on this
        machine or network by letting its own name resolve to it; such a request carries that name
    most_in_flight : requests being answered at once; more are refused rather than left waiting
    deadline_seconds : after which an answer, or the rest of a question, is no longer waited for. What had begun by then
        goes on behind it: a write is made whole or not at all
    headers : of every response that does not bring its own
    """

    hosts: tuple[str, ...] = LOOPBACK
    most_in_flight: int = MOST_IN_FLIGHT
    deadline_seconds: float = DEADLINE_SECONDS
    headers: dict[str, str] = field(default_factory=lambda: ALWAYS)


class Shell:
    """Names each request, answers whatever is raised, adds the headers, logs one line and counts."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        answer_fault: Callable[[Request, Exception], Response],
        templates: Templates,
        metrics: Metrics,
        manners: Manners,
    ) -> None:
        self.app = app
        self.answer_fault = answer_fault
        self.templates = templates
        self.metrics = metrics
        self.manners = manners
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        request = Request(scope)
        request.state.request_id = _request_id(request.headers)
        request.state.template, request.state.is_route = self.templates.find(scope)

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request.state.request_id
                if status == HTTPStatus.NO_CONTENT:
                    del headers["content-type"]  # The framework names one all the same.
                for name, value in self.manners.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        self.in_flight += 1
        self.metrics.in_flight.inc()
        try:
            self._require_room(request)
            await self._in_time(scope, receive, send_safely)
        except Exception as error:
            # Starlette's own last resort raises it again: the server would log its words, which may hold values.
            if status:
                raise
            await self.answer_fault(request, error)(scope, receive, send_safely)
        finally:
            self.in_flight -= 1
            self.metrics.in_flight.dec()
            self._note(request, status, time.perf_counter() - began)

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the answer until the deadline; raises LateError then."""
        deadline = asyncio.timeout(self.manners.deadline_seconds)
        try:
            async with deadline:
                await self.app(scope, receive, send)
        except TimeoutError as error:
            raise LateError(LATE) if deadline.expired() else error from None

    def _require_room(self, request: Request) -> None:
        """Refuse what was meant for another host, and what would only wait."""
        if request.state.template in PROBES:
            return
        if _host(request.headers) not in self.manners.hosts:
            raise RequestRefusedError(HTTPStatus.MISDIRECTED_REQUEST, "This service does not answer under that name.")
        if self.in_flight > self.manners.most_in_flight:
            raise OverloadedError("Too many requests are waiting.")

    def _note(self, request: Request, status: int, seconds: float) -> None:
        """Log and count: by the route's template, since the path names a patient."""
        template = request.state.template
        self.metrics.answered(request.method, template, status, seconds)
        caller = getattr(request.state, "caller", None)
        line = {
            "method": request.method if request.method in METHODS else "other",
            "route": template,
            "status": status,
            "ms": round(1000 * seconds, 1),
            "caller": None if caller is None else caller.name,
            "request_id": request.state.request_id,
        }
        log.info("request", extra={"fields": line})


def _request_id(headers: Headers) -> str:
    """Take the sender's name for the request if it is a plain one, else make one."""
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _host(headers: Headers) -> str:
    host = headers.get("host", "").lower()
    return host if host.endswith("]") else host.rpartition(":")[0] or host
