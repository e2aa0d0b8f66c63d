"""What a request says beside its path and body: who asks, by which request, about which version of a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Request, Response

from service.audit_log.chain import Entry, append
from service.caller import Caller, caller_of
from service.errors import NoVersionError, StaleVersionError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from pydantic import BaseModel
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Asked:
    """A request, as the audit log sees it."""

    request: Request
    caller: Caller

    def entry(self, moment: datetime, action: str, patient_id: UUID | None = None, **details: str | int) -> Entry:
        """Write down what is done for this request; a reason for breaking the glass goes along."""
        if reason := getattr(self.request.state, "broken_glass", None):
            details["break_glass"] = reason
        request_id = getattr(self.request.state, "request_id", None)
        return Entry(moment, self.caller.name, action, patient_id, request_id, details)

    def log(
        self, session: Session, moment: datetime, action: str, patient_id: UUID | None, **details: str | int
    ) -> None:
        """Write it into the audit log, as the last thing of a transaction: others who write wait from here on."""
        append(session, self.entry(moment, action, patient_id, **details))


def _asked(request: Request) -> Asked:
    return Asked(request, caller_of(request))


AskedDep = Annotated[Asked, Depends(_asked)]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description='The version that the change is about, as the ETag had it ("3"), or *.'),
]


def require_version(if_match: str | None, version: int) -> None:
    """Refuse a change that is not about this version; raises NoVersionError or StaleVersionError."""
    if if_match is None:
        raise NoVersionError("Read the record first and send its ETag in If-Match.")
    named = {tag.strip() for tag in if_match.split(",")}
    if not named & {"*", f'"{version}"'}:
        raise StaleVersionError("The record is no longer of this version: read it again.")


def json_answer(status: int, out: BaseModel, **headers: str) -> Response:
    """Answer with a document that is ready to be kept and given again."""
    return Response(out.model_dump_json(), status_code=status, headers=headers, media_type="application/json")
