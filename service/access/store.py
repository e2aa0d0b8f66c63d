"""Keep API keys: make, find, list, rotate and revoke them, within the caller's transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from service.access.keys import ApiKey, Secret
from service.access.tables import ApiKeyRow
from service.errors import DuplicateError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

ADMIN_KEY_LASTS = timedelta(days=365)
# A key that nobody has: looking for an unknown one takes as long as for a known one.
NOBODY = "0" * 64


class ApiKeys:
    """The keys as one transaction sees them."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(
        self,
        *,
        name: str,
        roles: Iterable[str],
        centres: Iterable[str] | None,
        expires_at: datetime,
        now: datetime,
    ) -> tuple[ApiKey, Secret]:
        """Make a key; its secret is in what is returned and nowhere else."""
        secret = Secret.new()
        row = ApiKeyRow(
            key_id=secret.key_id,
            digest=secret.digest,
            name=name,
            roles=sorted(set(roles)),
            centres=None if centres is None else sorted(set(centres)),
            created_at=now,
            expires_at=expires_at,
        )
        self.session.add(row)
        self.session.flush()
        return _key(row), secret

    def known(self, secret: Secret, now: datetime) -> ApiKey | None:
        """Find the live key that a secret belongs to."""
        key = self.ever_known(secret)
        return key if key is not None and key.is_live(now) else None

    def ever_known(self, secret: Secret) -> ApiKey | None:
        """Find the key that a secret belongs to, be it over or revoked."""
        row = self.session.get(ApiKeyRow, secret.key_id)
        return _key(row) if secret.matches(NOBODY if row is None else row.digest) and row is not None else None

    def live(self, key_id: str, now: datetime) -> ApiKey | None:
        """Find a live key by its identifier, for somebody who showed its secret before."""
        row = self.session.get(ApiKeyRow, key_id)
        return None if row is None else self._if_live(row, now)

    def after(self, key_id: str, *, most: int) -> list[ApiKey]:
        """List keys in the order of identifiers, from the one after `key_id`."""
        query = select(ApiKeyRow).where(ApiKeyRow.key_id > key_id).order_by(ApiKeyRow.key_id).limit(most)
        return [_key(row) for row in self.session.scalars(query)]

    def rotate(self, key_id: str, *, overlap: timedelta, lasts: timedelta, now: datetime) -> tuple[ApiKey, Secret]:
        """Make a key like a live one, which goes on for `overlap` only; raises NotFoundError."""
        self._lock()
        row = self.session.get(ApiKeyRow, key_id)
        if row is None or self._if_live(row, now) is None:
            raise NotFoundError("There is no such key.")
        row.expires_at = min(row.expires_at, now + overlap)
        return self.add(name=row.name, roles=row.roles, centres=row.centres, expires_at=now + lasts, now=now)

    def revoke(self, key_id: str, *, now: datetime) -> None:
        """End a key; raises NotFoundError, or DuplicateError for the last key of an admin: nobody could undo it."""
        self._lock()
        row = self.session.get(ApiKeyRow, key_id)
        if row is None or row.revoked_at is not None:
            raise NotFoundError("There is no such key.")
        if self._live_admins(now) == {key_id}:
            raise DuplicateError("This is the last admin key that works: make another one first.")
        row.revoked_at = now

    def an_admin_works(self, now: datetime) -> bool:
        """Whether there is an admin's key that works; no other transaction makes one until this one ends."""
        self._lock()
        return bool(self._live_admins(now))

    def add_admin(self, now: datetime) -> Secret:
        """Make an admin's key for the operator."""
        lasts_to = now + ADMIN_KEY_LASTS
        return self.add(name="operator", roles=["admin"], centres=None, expires_at=lasts_to, now=now)[1]

    def _live_admins(self, now: datetime) -> set[str]:
        query = select(ApiKeyRow).where(ApiKeyRow.revoked_at.is_(None), ApiKeyRow.expires_at > now)
        return {row.key_id for row in self.session.scalars(query) if "admin" in row.roles}

    def _lock(self) -> None:
        """Let no other transaction change keys until this one ends; SQLite's writers have the lock already."""
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(text("LOCK TABLE api_key IN SHARE ROW EXCLUSIVE MODE"))

    @staticmethod
    def _if_live(row: ApiKeyRow, now: datetime) -> ApiKey | None:
        key = _key(row)
        return key if key.is_live(now) else None


def _key(row: ApiKeyRow) -> ApiKey:
    centres = None if row.centres is None else frozenset(row.centres)
    return ApiKey(row.key_id, row.name, frozenset(row.roles), centres, row.created_at, row.expires_at, row.revoked_at)
