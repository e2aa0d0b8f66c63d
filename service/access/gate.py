"""The gate before every route: who asks, whether they may, and whether they ask too often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.access.errors import ForbiddenError
from service.access.roles import rule_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service.access.access import Access
    from service.access.rate import RateLimit

NOT_YOURS = "None of your roles may do this."


class Gate:
    """Lets a request through with `request.state.caller` set, or raises what `Access.caller` and the rules refuse.

    It stands before the router, so that a body or a path is not looked at before its sender may send it; the shell
    around it answers what is raised here.
    """

    def __init__(self, app: ASGIApp, access: Access, rate: RateLimit) -> None:
        self.app = app
        self.access = access
        self.rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            request = Request(scope)
            rule = rule_of(request.method, request.state.template)
            if not rule.public:
                caller = await run_in_threadpool(self.access.caller, request.headers, session=rule.session)
                request.state.caller = caller
                self.rate.take(caller.name)
                # An unknown path or verb is nobody's: the router says so.
                if request.state.is_route and not rule.allows(caller):
                    raise ForbiddenError(NOT_YOURS)
            # Nobody else needs cookies, and FastAPI would take them apart for every request, whoever sent it: Python
            # before 3.11.10 and 3.12.6 needs seconds for 60 kB that were made for that (CVE-2024-7592).
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"cookie"]}
        await self.app(scope, receive, send)
