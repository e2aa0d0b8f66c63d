"""Idempotency-Key: a write that is asked for twice is done once, and answered alike."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Response

from service.api.strict_json import RequestRefusedError
from service.errors import Fault, InvalidError
from service.store import answered

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from pydantic import BaseModel
    from sqlalchemy.orm import Session

    from service.api.asking import Asked
    from service.store.database import Database

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
# Of an answer's headers, those that belong to the answer and not to the request that brought it.
KEPT_HEADERS = ("location", "etag", "content-type")


def _key(
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", description="Up to 200 visible characters, new for each write, kept a day."),
    ] = None,
) -> str | None:
    if key is not None and not _KEY.fullmatch(key):
        raise RequestRefusedError(400, "The Idempotency-Key must be 1 to 200 visible ASCII characters.")
    return key


KeyDep = Annotated[str | None, Depends(_key)]


@dataclass(frozen=True)
class Keyed:
    """One write under its caller's key; without a key nothing is looked up or kept."""

    caller: str
    key: str | None
    fingerprint: str

    @classmethod
    def of(cls, asked: Asked, key: str | None, body: BaseModel) -> Keyed:
        """Sum up what is asked for."""
        request = asked.request
        what = [request.method, request.url.path, body.model_dump(mode="json")]
        text = json.dumps(what, sort_keys=True)
        return cls(asked.caller.name, key, hashlib.sha256(text.encode()).hexdigest())

    def given_before(self, database: Database, now: datetime) -> Response | None:
        """Return the answer that this write got before; raises InvalidError if the key was another write's."""
        if self.key is None:
            return None
        with database.reading() as patients:
            row = answered.answered(patients.session, self.caller, self.key, now)
        if row is None:
            return None
        if row.fingerprint != self.fingerprint:
            raise InvalidError([Fault("Idempotency-Key", "was used for another request: choose a new one")])
        headers = {**row.headers, "Idempotency-Replayed": "true"}
        return Response(zlib.decompress(row.body), status_code=row.status, headers=headers)

    def claim(self, session: Session, now: datetime) -> None:
        """Take the key at the start of the transaction that writes; raises InFlightError."""
        if self.key is not None:
            answered.claim(session, self.caller, self.key, self.fingerprint, now)

    def keep(self, session: Session, patient_id: UUID, answer: Response) -> Response:
        """Store the answer at the end of that transaction, and return it."""
        if self.key is not None:
            answered.keep(
                session,
                self.caller,
                self.key,
                patient_id=patient_id,
                status=answer.status_code,
                headers={name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers},
                body=zlib.compress(bytes(answer.body)),
            )
        return answer
