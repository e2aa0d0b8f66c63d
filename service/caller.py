"""Who asks: what access control finds out about a request, and what the audit log writes down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass(frozen=True)
class Caller:
    """Somebody who asks; `request.state.caller` holds it.

    Attributes
    ----------
    name : identifier of a key or a token's subject, never a secret; idempotency keys and the audit log go by it
    centres : those whose patients the caller may see, None = every centre
    """

    name: str
    roles: frozenset[str]
    centres: frozenset[str] | None


ANONYMOUS = Caller("anonymous", frozenset(), None)


def caller_of(request: Request) -> Caller:
    """Return who asks; ANONYMOUS where nothing has looked."""
    caller = getattr(request.state, "caller", ANONYMOUS)
    assert isinstance(caller, Caller)
    return caller
