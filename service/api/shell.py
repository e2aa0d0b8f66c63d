"""The outermost layer: headers of every response, requests meant for another machine, errors nobody foresaw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders

from service.api.errors import PROBLEM_JSON, problem_of
from service.api.strict_json import RequestRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Shell:
    """Adds the headers, unless a response brings its own; refuses requests for another host; answers every fault.

    The service listens on loopback only; a page on the internet could still reach it by letting its own name resolve
    to 127.0.0.1. Such a request carries that name.
    """

    def __init__(self, app: ASGIApp, answer_fault: Callable[[Request, Exception], Response]) -> None:
        self.app = app
        self.answer_fault = answer_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        if _host(scope) not in LOOPBACK:
            await _misdirected()(scope, receive, send_safely)
            return
        try:
            await self.app(scope, receive, send_safely)
        except Exception as error:
            # Starlette's own last resort raises it again: the server would log its words, which may hold values.
            if started:
                raise
            await self.answer_fault(Request(scope), error)(scope, receive, send_safely)


def _misdirected() -> Response:
    refusal = RequestRefusedError(421, "This service answers on this machine only.")
    return JSONResponse(problem_of(refusal), status_code=421, media_type=PROBLEM_JSON)


def _host(scope: Scope) -> str:
    host = Headers(scope=scope).get("host", "")
    return host if host.endswith("]") else host.rpartition(":")[0] or host
