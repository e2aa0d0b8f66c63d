"""Which refusals an operation documents."""

from typing import Any

from service.api.outgoing import ProblemOut

TEXTS = {
    400: "The body is not one JSON object by the letter.",
    404: "There is no such thing.",
    406: "The caller accepts no type that there is.",
    409: "It is recorded already, follow-up is closed, a positive result awaits work-up, or the model has no answer.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "Fields or parameters break rules; `errors` lists where and which.",
    500: "A fault of the service.",
    503: "The database is not available, or the answer is being worked out already; try again.",
}
OF_EVERY_OPERATION = (406, 422, 500, 503)
OF_A_BODY = (400, 413, 415)


def refusals(*statuses: int, body: bool = False) -> dict[int | str, dict[str, Any]]:
    """Document these refusals, with those that every operation has and, for one with a body, those of a body."""
    every = sorted({*statuses, *OF_EVERY_OPERATION, *(OF_A_BODY if body else ())})
    schema = {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}
    return {
        status: {"description": TEXTS[status], "content": {"application/problem+json": {"schema": schema}}}
        for status in every
    }
