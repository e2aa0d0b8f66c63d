"""Which refusals an operation documents."""

from collections.abc import Iterable
from typing import Any

from service.api.outgoing import ProblemOut

TEXTS = {
    400: "The body is not one JSON object by the letter.",
    401: "Who asks is not known: no key or token, or none that opens anything.",
    403: "Who asks is known, and may not.",
    404: "There is no such thing.",
    406: "The caller accepts no type that there is.",
    409: "It is recorded already, follow-up is closed, a positive result awaits work-up, or the model has no answer or "
    "may not answer.",
    412: "The record was changed since the version that If-Match names.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    421: "The service does not answer under the name that was asked.",
    422: "Fields or parameters break rules; `errors` lists where and which.",
    428: "If-Match is missing: the change must name the version of the record that it is about.",
    429: "More requests than this caller may make; try again after `Retry-After` seconds.",
    500: "A fault of the service.",
    503: "The database is not available, or the answer is being worked out already; try again.",
    504: "There was no answer in time; a change may have been made.",
}
OF_EVERY_OPERATION = (406, 421, 422, 500, 503, 504)
OF_A_BODY = (400, 413, 415)


def refusals(*statuses: int, body: bool = False) -> dict[int | str, dict[str, Any]]:
    """Document these refusals, with those that every operation has and, for one with a body, those of a body."""
    return _described(sorted({*statuses, *OF_EVERY_OPERATION, *(OF_A_BODY if body else ())}))


def _described(statuses: Iterable[int]) -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}
    return {
        status: {"description": TEXTS[status], "content": {"application/problem+json": {"schema": schema}}}
        for status in statuses
    }


# What every operation has that asks who is asking.
REFUSED_ACCESS = _described((401, 403, 429))
