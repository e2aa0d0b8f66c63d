"""API keys: who may ask. For admins."""

import re
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, Field

from service.access.roles import Role
from service.api.asking import AskedDep
from service.api.cursors import LimitText, limit_of
from service.api.dependencies import ServiceDep, require_json_answer
from service.api.incoming import In, Line
from service.api.outgoing_keys import ApiKeyOut, ApiKeysOut, NewApiKeyOut
from service.api.problems import refusals
from service.api.strict_json import RequestRefusedError
from service.api.strict_route import StrictRoute
from service.errors import Fault, InvalidError, NotFoundError

MOST_DAYS = 730
MOST_OVERLAP_HOURS = 168
_KEY_ID = re.compile(r"[0-9a-f]{16}")

router = APIRouter(
    prefix="/v1/api-keys", route_class=StrictRoute, dependencies=[Depends(require_json_answer)], tags=["access"]
)


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("must not name one twice")
    return values


class ApiKeyIn(In):
    """A key to make."""

    name: Annotated[Line, Field(max_length=60, description="What it is for; shown in the list of keys.")]
    roles: Annotated[list[Role], Field(min_length=1, max_length=10), AfterValidator(_distinct)]
    centres: Annotated[
        Annotated[list[Line], Field(min_length=1, max_length=100), AfterValidator(_distinct)] | None,
        Field(description="Whose patients it reaches; null = every centre's."),
    ]
    expires_in_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 365


class RotationIn(In):
    """How to replace a key."""

    overlap_hours: Annotated[int, Field(ge=0, le=MOST_OVERLAP_HOURS, description="The old key goes on this long.")] = 24
    expires_in_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 365


def _key_id(key_id: str) -> str:
    if not _KEY_ID.fullmatch(key_id):
        raise NotFoundError("There is no such key.")
    return key_id


KeyId = Annotated[str, Depends(_key_id)]


@router.post("", status_code=201, responses=refusals(body=True))
def create_key(body: ApiKeyIn, service: ServiceDep, asked: AskedDep) -> NewApiKeyOut:
    """Make a key. Its secret is in this answer and nowhere else."""
    if "admin" in body.roles and body.centres is not None:
        raise InvalidError([Fault("centres", "must be null: an admin makes keys, and so reaches every centre")])
    now = service.clock()
    with service.access.changing_keys() as keys:
        made = keys.add(
            name=body.name,
            roles=body.roles,
            centres=body.centres,
            expires_at=now + timedelta(days=body.expires_in_days),
            now=now,
        )
        asked.log(keys.session, now, "key.create", None, key_id=made[0].key_id, roles=" ".join(body.roles))
    return NewApiKeyOut.of(*made)


@router.get("", responses=refusals(400))
def read_keys(service: ServiceDep, limit: LimitText = "100", cursor: str | None = None) -> ApiKeysOut:
    """List keys by identifier, also those that are over or revoked; never their secrets."""
    most = limit_of(limit)
    if cursor is not None and not _KEY_ID.fullmatch(cursor):
        raise RequestRefusedError(400, "The cursor is none that this service gave.")
    with service.access.keys() as keys:
        found = keys.after(cursor or "", most=most + 1)
    here = found[:most]
    return ApiKeysOut(
        keys=[ApiKeyOut.of(key) for key in here], next_cursor=here[-1].key_id if len(found) > most else None
    )


@router.post("/{key_id}/rotate", status_code=201, responses=refusals(404, body=True))
def rotate_key(key_id: KeyId, body: RotationIn, service: ServiceDep, asked: AskedDep) -> NewApiKeyOut:
    """Make a key like this one, which goes on for the overlap only."""
    now = service.clock()
    with service.access.changing_keys() as keys:
        made = keys.rotate(
            key_id,
            overlap=timedelta(hours=body.overlap_hours),
            lasts=timedelta(days=body.expires_in_days),
            now=now,
        )
        asked.log(keys.session, now, "key.rotate", None, key_id=key_id, new_key_id=made[0].key_id)
    return NewApiKeyOut.of(*made)


@router.delete("/{key_id}", status_code=204, responses=refusals(404, 409))
def revoke_key(key_id: KeyId, service: ServiceDep, asked: AskedDep) -> None:
    """End a key at once; it stays in the list."""
    now = service.clock()
    with service.access.changing_keys() as keys:
        keys.revoke(key_id, now=now)
        asked.log(keys.session, now, "key.revoke", None, key_id=key_id)
