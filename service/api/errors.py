"""One table: every refusal, and what it becomes over HTTP (RFC 9457). Values are never echoed."""

from __future__ import annotations

import logging
import re
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from model.errors import NotSupportedError
from service import errors
from service.access import errors as access
from service.api.strict_json import RequestRefusedError
from service.errors import Fault, InvalidError
from service.models.errors import ModelChangedError, RefusedModelError
from service.store.revision import RevisionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request, Response

PROBLEM_JSON = "application/problem+json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

# Away, locked, full, read-only (PostgreSQL: internal) or with tables of another program's (PostgreSQL: programming):
# the same request may succeed later.
DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError, ProgrammingError, PoolTimeoutError)
UNAVAILABLE = (503, "database-unavailable", "The database is not available")
STATUS: dict[type[Exception], tuple[int, str, str]] = {
    errors.InvalidError: (422, "invalid", "The request breaks rules"),
    errors.NotFoundError: (404, "not-found", "Not found"),
    errors.DuplicateError: (409, "duplicate", "Recorded already"),
    errors.FollowUpClosedError: (409, "follow-up-closed", "Follow-up is closed"),
    errors.AwaitingWorkUpError: (409, "awaiting-work-up", "A positive result awaits work-up"),
    errors.StudyMismatchError: (409, "study-mismatch", "The record belongs to another study"),
    NotSupportedError: (409, "not-supported", "Beyond what the model supports"),
    errors.BusyError: (503, "busy", "The answer is being worked out"),
    errors.AuditLogError: (503, "audit-log-unavailable", "The audit log cannot be written"),
    errors.InFlightError: (409, "in-flight", "The same request is being answered"),
    errors.NoVersionError: (428, "version-required", "The change must name the version that it is about"),
    errors.StaleVersionError: (412, "stale-version", "The record was changed meanwhile"),
    RefusedModelError: (409, "model-refused", "The model may not answer"),
    ModelChangedError: (409, "model-changed", "Which model answers was changed meanwhile"),
    RevisionError: (503, "database-revision", "The database's tables are of another revision"),
    access.UnauthenticatedError: (401, "unauthenticated", "Who asks is not known"),
    access.ForbiddenError: (403, "forbidden", "Not allowed"),
    access.TooManyRequestsError: (429, "too-many-requests", "Too many requests"),
    access.OverloadedError: (503, "overloaded", "More is asked than can be answered"),
    access.ProviderUnavailableError: (503, "identity-provider-unavailable", "The identity provider is not available"),
    access.LateError: (504, "late", "No answer in time"),
    access.StoppingError: (503, "stopping", "The service is about to stop"),
    **dict.fromkeys((*DATABASE_ERRORS, errors.ReadOnlyError), UNAVAILABLE),
}
RETRY_SECONDS = "5"
# What the app hands to the handler; anything else is a fault, which service.api.shell hands to it.
FORESEEN = (*STATUS, RequestValidationError, RequestRefusedError, HTTPException)
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,60}")

log = logging.getLogger("service")


def handler(present: Callable[[Request, dict[str, Any]], Response | None]) -> Callable[[Request, Exception], Response]:
    """Return what answers an error with a problem document, or with what `present` makes of it for a page."""

    def answer(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        headers = {}
        if problem["status"] == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["allow"] = ", ".join(allowed_methods(request))
        if problem["status"] == HTTPStatus.SERVICE_UNAVAILABLE:
            headers["retry-after"] = RETRY_SECONDS
            if isinstance(error, DATABASE_ERRORS):
                log.error("the database is not available: %s", type(error).__name__)
        if problem["status"] == HTTPStatus.INTERNAL_SERVER_ERROR:
            # Where it happened, without the error's own words: they may hold a patient's values.
            log.error("unforeseen %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        if isinstance(error, access.RefusedAccessError):
            headers |= error.headers
        page = present(request, problem)
        if page is None:
            page = JSONResponse(problem, status_code=problem["status"], media_type=PROBLEM_JSON)
        page.headers.update(headers)
        return page

    return answer


def problem_of(error: Exception) -> dict[str, Any]:
    """Describe an error to the caller; what was not foreseen is a 500 that says nothing."""
    if isinstance(error, RequestValidationError):
        error = InvalidError(_fault(details) for details in error.errors())
    if isinstance(error, RequestRefusedError):
        return _plain_problem(error.status, str(error))
    if isinstance(error, HTTPException):
        return _plain_problem(error.status_code, HTTPStatus(error.status_code).description)
    status, slug, title = next(
        (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), (500, "fault", "A fault of the service")
    )
    if status in (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE):
        return _problem(status, slug, title, "Try again later.")
    return _problem(status, slug, title, str(error), getattr(error, "faults", ()))


def allowed_methods(request: Request) -> list[str]:
    """Methods that some route has for this path: Starlette names only those of the first route that fits."""
    routes = request.app.router.routes
    return [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _plain_problem(status: int, detail: str) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    return _problem(status, phrase.lower().replace(" ", "-"), phrase, detail)


def _problem(status: int, slug: str, title: str, detail: str, faults: tuple[Fault, ...] = ()) -> dict[str, Any]:
    return {
        "type": f"urn:recurrence-risk:problem:{slug}",
        "title": title,
        "status": status,
        "detail": detail[:1].upper() + detail[1:],
        "errors": [{"path": _shown(fault.path), "rule": fault.rule} for fault in faults],
    }


def _shown(path: str) -> str:
    """Show a path, without those parts of it that could be anything: a caller's key may hold a value."""
    parts = path.split(".")
    return ".".join(part if _PLAIN.fullmatch(part) else "(key withheld)" for part in parts)


def _fault(details: Any) -> Fault:
    """Translate one of pydantic's errors; its `input` is left behind."""
    place, *path = details["loc"]
    shown = ".".join(str(part) for part in (path if place == "body" else (place, *path)))
    if details["type"] == "extra_forbidden":
        return Fault(shown, "unknown field")
    if details["type"] == "missing":
        return Fault(shown, "this field is required")
    rule = str(details["msg"]).removeprefix("Value error, ")
    return Fault(shown, rule.replace("Input should", "must"))
