"""API keys as they go over the wire."""

import datetime as dt
from typing import Self

from service.access.keys import ApiKey, Secret
from service.api.wire import Out


class ApiKeyOut(Out):
    """A key without its secret. `centres` is null for every centre."""

    key_id: str
    name: str
    roles: list[str]
    centres: list[str] | None
    created_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """Show a key."""
        return cls(
            key_id=key.key_id,
            name=key.name,
            roles=sorted(key.roles),
            centres=None if key.centres is None else sorted(key.centres),
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
        )


class NewApiKeyOut(Out):
    """A new key: `api_key` is shown this once and kept nowhere."""

    api_key: str
    about: ApiKeyOut

    @classmethod
    def of(cls, key: ApiKey, secret: Secret) -> Self:
        """Show a key with its secret."""
        return cls(api_key=secret.text, about=ApiKeyOut.of(key))


class ApiKeysOut(Out):
    """Keys in the order of their identifiers; `next_cursor` is null at the end."""

    keys: list[ApiKeyOut]
    next_cursor: str | None
