"""From a request's headers to who is asking."""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from service.access.errors import UnauthenticatedError
from service.access.keys import Secret
from service.access.refusals import Refusals
from service.access.session import COOKIE, Sessions
from service.access.store import ApiKeys
from service.caller import ANONYMOUS, Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.datastructures import Headers

    from service.access.keys import ApiKey
    from service.access.oidc import Tokens
    from service.store.database import Database

SAY_WHO = "Say who you are: Authorization: Bearer and an API key or a token."
NOT_GOOD = "This key or token does not open anything: it is unknown, over or revoked."

# By hand, since http.cookies takes long over what was made for that (see service.access.gate).
_NOTE = re.compile(rf"(?:^|; ?){COOKIE}=([^;]*)")


@dataclass(frozen=True)
class Access:
    """What credentials are checked against.

    Attributes
    ----------
    tokens : of an identity provider; None where there is none
    secure : whether browsers reach the service over TLS, so that a session's cookie may go nowhere else
    refusals : logins that were refused
    """

    database: Database
    clock: Callable[[], datetime]
    tokens: Tokens | None = None
    secure: bool = False
    sessions: Sessions = field(default_factory=lambda: Sessions(secrets.token_bytes(32)))
    refusals: Refusals = field(default_factory=Refusals)

    @contextmanager
    def keys(self) -> Iterator[ApiKeys]:
        """Read keys; nothing is changed."""
        with Session(self.database.engine) as session:
            yield ApiKeys(session)

    @contextmanager
    def changing_keys(self) -> Iterator[ApiKeys]:
        """Change keys: all of it, or nothing if an error leaves."""
        with Session(self.database.engine.execution_options(writes=True)) as session, session.begin():
            yield ApiKeys(session)

    def caller(self, headers: Headers, *, session: bool) -> Caller:
        """Find out who asks; `session` says whether having logged in to the pages will do.

        Raises UnauthenticatedError, ProviderUnavailableError or SQLAlchemy's errors.
        """
        given = headers.getlist("authorization")
        if len(given) > 1:
            raise UnauthenticatedError(NOT_GOOD, invalid=True)
        if given:
            return self._bearer(given[0])
        if session and (key := self._logged_in(headers.get("cookie", ""))):
            return _caller(key)
        raise UnauthenticatedError(SAY_WHO)

    def log_in(self, text: str) -> tuple[Caller, str | None]:
        """Exchange a key for a session's note; returns whose key it is, also of one that is over, and the note."""
        secret = Secret.parse(text)
        with self.keys() as keys:
            key = None if secret is None else keys.ever_known(secret)
        if key is None:
            return ANONYMOUS, None
        return _caller(key), self.sessions.issue(key.key_id, self._seconds()) if key.is_live(self.clock()) else None

    def _bearer(self, header: str) -> Caller:
        scheme, _, credential = header.partition(" ")
        if scheme.lower() == "bearer":
            if key := self._known(credential):
                return _caller(key)
            if self.tokens is not None and not credential.startswith("rr_"):
                return self.tokens.caller(credential, self._seconds())
        raise UnauthenticatedError(NOT_GOOD, invalid=True)

    def _known(self, text: str) -> ApiKey | None:
        secret = Secret.parse(text)
        if secret is None:
            return None
        with self.keys() as keys:
            return keys.known(secret, self.clock())

    def _logged_in(self, cookies: str) -> ApiKey | None:
        note = _NOTE.search(cookies)
        key_id = None if note is None else self.sessions.key_of(note[1], self._seconds())
        if key_id is None:
            return None
        with self.keys() as keys:
            return keys.live(key_id, self.clock())

    def _seconds(self) -> float:
        return self.clock().timestamp()


def _caller(key: ApiKey) -> Caller:
    return Caller(f"key:{key.key_id}", key.roles, key.centres)
