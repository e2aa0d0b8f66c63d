"""Requests drawn from the OpenAPI document: right ones, nearly right ones, and rubbish."""

from __future__ import annotations

import json
import math
from collections import defaultdict, deque
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from examples.service_load.clinic import FOLLOWED_DAYS, VISITS_EACH, day, new_patient, visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from examples.service_load.schema import Schemas

# Answers that are worked out from the whole store: a few of them will do.
SELDOM = ("/v1/monitoring/", "/v1/audit/verify", "/v1/patients/{patient_id}/schedule", "/v1/schedule", "/metrics")
IDS_KEPT = 40
JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, math.nan, math.inf, 10**30, "", "x" * 3000, "\ud800", "\x00", "2025-02-30"),
    *("' or 1=1 --", "<script>", "=1+1", "../../etc/passwd", "\r\nset-cookie: a=b", "none", "positive", "١٢"),
    *([], {}, [[[[]]]], {"a": {"b": None}}, "local", "tertiary", "9999-12-31", "0001-01-01"),
)
HEADERS = {
    "If-Match": ("*", '"1"', '"2"', "W/", "", '"1", "3"'),
    "Idempotency-Key": ("a", "b" * 200, "c" * 201, " ", "d e"),
}
MEDIA = ("text/plain", "application/json; charset=latin-1", "x")
ACCEPT = ("*/*", "application/json", "text/html", "a/b", ";q=2,,")


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the document describes it."""

    method: str
    path: str
    about: dict[str, Any]

    @property
    def weight(self) -> float:
        """How often it is drawn."""
        if self.path.startswith(SELDOM):
            return 0.02
        return 0.2 if self.method == "delete" else 1.0  # else there would be nothing left to ask about

    def parameters(self, place: str) -> Iterator[dict[str, Any]]:
        """Yield the parameters in the path, the query or the headers."""
        return (each for each in self.about.get("parameters", ()) if each["in"] == place)


@dataclass(frozen=True)
class Request:
    """What is sent; `ids` are those of the path, by name."""

    operation: Operation
    ids: dict[str, str]
    path: str
    headers: dict[str, str]
    body: bytes | None


@dataclass
class Ids:
    """Identifiers that answers have named, so that later requests meet something.

    Attributes
    ----------
    forbidden : never asked for: the campaign's own key must live
    """

    forbidden: str
    known: dict[str, deque[dict[str, str]]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=IDS_KEPT)))

    def learn(self, request: Request, document: Any) -> None:
        """Keep what an answer names, beside the identifiers that it was asked under."""
        for name, value in _named(document):
            if value != self.forbidden:
                self.known[name].append({**request.ids, name: value})

    def some(self, operation: Operation, rng: Random) -> dict[str, str]:
        """Identifiers for a path: known ones mostly."""
        names = [each["name"] for each in operation.parameters("path")]
        known = self.known.get(names[-1]) if names else None
        found = dict(rng.choice(list(known))) if known and rng.random() < 0.9 else {}
        return {name: found.get(name) or str(rng.choice(JUNK)) or "x" for name in names}


def _named(document: Any) -> Iterator[tuple[str, str]]:
    if isinstance(document, dict):
        for name, value in document.items():
            if isinstance(value, str) and (name.endswith("_id") or name == "version"):
                yield name, value
            yield from _named(value)
    elif isinstance(document, list):
        for item in document[:IDS_KEPT]:
            yield from _named(item)


def drawn(operation: Operation, schemas: Schemas, ids: Ids, rng: Random) -> Request:
    """Draw one request of an operation."""
    some = ids.some(operation, rng)
    path = operation.path.format(**{name: quote(_encodable(value), safe="") for name, value in some.items()})
    query = [(each["name"], _word(each["schema"], schemas, rng)) for each in operation.parameters("query")]
    query = [pair for pair in query if rng.random() < 0.4]
    if rng.random() < 0.03:
        query.append(("page", "2"))
    headers = {"Accept": rng.choice(ACCEPT)} if rng.random() < 0.1 else {}
    for each in operation.parameters("header"):
        if rng.random() < 0.8:
            usual = "*" if each["name"] == "If-Match" else f"{rng.getrandbits(64):x}"
            headers[each["name"]] = usual if rng.random() < 0.8 else rng.choice(HEADERS.get(each["name"], ("x",)))
    body = _body(operation, schemas, rng)
    if body is not None:
        headers["Content-Type"] = rng.choice(MEDIA) if rng.random() < 0.03 else "application/json"
    return Request(operation, some, f"{path}?{urlencode(query)}" if query else path, headers, body)


def _body(operation: Operation, schemas: Schemas, rng: Random) -> bytes | None:
    if "requestBody" not in operation.about:
        return None
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(60))
    document = _right(operation, rng) if rng.random() < 0.7 else None
    if document is None:
        document = schemas.draw(operation.about["requestBody"]["content"]["application/json"]["schema"], rng)
    for _ in range(rng.choice((0, 0, 1, 2))):
        _spoil(document, rng)
    return json.dumps(document).encode()


def _right(operation: Operation, rng: Random) -> dict[str, Any] | None:
    """A body that the study's own rules allow as well, where the schema alone says too little."""
    bodies = {
        ("post", "/v1/patients"): new_patient(),
        ("post", "/v1/patients/{patient_id}/visits"): visit(rng.randrange(VISITS_EACH)),
        ("patch", "/v1/patients/{patient_id}/visits/{visit_id}"): {"markers": {"cga": 71.5}},
        ("patch", "/v1/patients/{patient_id}"): {"baseline": {"size_mm": 9.5}},
        ("post", "/v1/patients/{patient_id}/outcome"): {"date": day(FOLLOWED_DAYS), "event": "none"},
    }
    return bodies.get((operation.method, operation.path))


def _spoil(document: Any, rng: Random) -> None:
    """Change, remove or add something somewhere."""
    places = [document, *(part for part in document.values() if isinstance(part, dict))]
    place = rng.choice(places)
    name = rng.choice([*place, "x", "patient_ref"])
    if rng.random() < 0.3:
        place.pop(name, None)
    else:
        place[name] = deepcopy(rng.choice(JUNK))  # It may be spoiled in its turn.


def _word(schema: dict[str, Any], schemas: Schemas, rng: Random) -> str:
    value = schemas.draw(schema, rng) if rng.random() < 0.7 else rng.choice(JUNK)
    return _encodable(str(value))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
