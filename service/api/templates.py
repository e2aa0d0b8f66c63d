"""Which route a request is for, before the router is asked: access, logs and metrics go by the route's template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Match, Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.routing import BaseRoute
    from starlette.types import Scope


class Templates:
    """The routes of an app, in the order in which the router tries them."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self.routes = [route for route in routes if isinstance(route, Route)]

    def find(self, scope: Scope) -> tuple[str | None, bool]:
        """Return (template, whether it has the request's method); (None, False) for a path of no route."""
        partly = None
        for route in self.routes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return route.path, True
            if match is Match.PARTIAL and partly is None:
                partly = route.path
        return partly, False
