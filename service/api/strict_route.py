"""A route that reads its body strictly and knows no other query parameters than its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.routing import APIRoute

from service.api.strict_json import MOST_BYTES, RequestRefusedError, parse_object, require_json
from service.errors import Fault, InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Response

CONTROL = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0))))


class StrictRoute(APIRoute):
    """Checks what FastAPI would pass over: media type, size, JSON by the letter, unknown or repeated parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            _require_known_parameters(request, {field.alias for field in self.dependant.query_params})
            if self.body_field is None:
                return await handle(request)
            require_json(request.headers.get("content-type"))
            return await handle(_ParsedRequest(request, parse_object(await _limited_body(request))))

        return strict


class _ParsedRequest(Request):
    """A request whose body was read already."""

    def __init__(self, request: Request, document: dict[str, Any]) -> None:
        super().__init__(request.scope, request.receive)
        self.document = document

    async def body(self) -> bytes:
        """Return something that is not empty; what it says is in `json`."""
        return b"{}"

    async def json(self) -> Any:
        """Return the parsed object."""
        return self.document


async def _limited_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise RequestRefusedError(413, f"The body is larger than {MOST_BYTES} bytes.")
    return bytes(body)


def _require_known_parameters(request: Request, known: set[str]) -> None:
    pairs = request.query_params.multi_items()
    given = [name for name, _ in pairs]
    faults = [Fault(f"query.{name}", "unknown parameter") for name in dict.fromkeys(given) if name not in known]
    faults += [Fault(f"query.{name}", "given more than once") for name in known if given.count(name) > 1]
    # PostgreSQL takes no NUL, and nothing that is asked for holds the others.
    faults += [
        Fault(f"query.{name}", "must not hold control characters") for name, value in pairs if CONTROL & {*value}
    ]
    if faults:
        raise InvalidError(faults)
