"""Logging in to the pages with an API key, and out again: the only pages that are posted to. Neither changes a record.

No token against forged requests is needed: the session's cookie is not sent along from other sites, and what is
posted here is the key itself.
"""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from service.access.errors import ForbiddenError
from service.access.roles import PAGES
from service.access.session import COOKIE, LASTS_SECONDS
from service.api.answers import NOT_A_DEVICE
from service.api.asking import Asked
from service.api.dependencies import Service, ServiceDep
from service.api.strict_json import RequestRefusedError
from service.api.strict_route import StrictRoute
from service.ui.addresses import HOME, LOGIN, inside
from service.ui.routes import OWN_FORMS, environment, html_only

MOST_BYTES = 2000
FORM = "application/x-www-form-urlencoded"
NOT_GOOD = "This key does not open anything: it is unknown, over or revoked."
NOT_FOR_PAGES = "This key is not for the pages."

router = APIRouter(prefix="/ui", route_class=StrictRoute, include_in_schema=False)


@router.get("/login", dependencies=html_only)
def show_login(then: Annotated[str, Query(alias="next", max_length=200)] = "") -> HTMLResponse:
    """Ask for a key; whoever was sent here from another page is told so."""
    return _form(then, sent_here=bool(then))


@router.post("/login")
async def log_in(request: Request, service: ServiceDep) -> Response:
    """Exchange a key for a session."""
    given = await _posted(request)
    then, key = given.get("next", HOME), given.get("key", "").strip()
    return await run_in_threadpool(_answer, request, service, then, key)


@router.post("/logout")
def log_out(request: Request) -> Response:
    """End the session in this browser."""
    _require_same_origin(request)
    answer = RedirectResponse(LOGIN, status_code=303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _answer(request: Request, service: Service, then: str, key: str) -> Response:
    caller, note = service.access.log_in(key)
    asked, now = Asked(request, caller), service.clock()
    if note is None or not PAGES.allows(caller):
        if service.access.refusals.refused(caller.name):
            service.reads.note(asked.entry(now, "session.refuse", attempts=1))
        return _form(then, NOT_GOOD if note is None else NOT_FOR_PAGES)
    service.reads.note(asked.entry(now, "session.begin"))
    answer = RedirectResponse(inside(then), status_code=303)
    answer.set_cookie(
        COOKIE, note, max_age=LASTS_SECONDS, httponly=True, samesite="strict", secure=service.access.secure
    )
    return answer


def _form(then: str, refusal: str = "", *, sent_here: bool = False) -> HTMLResponse:
    shown = environment.get_template("login.html").render(
        then=inside(then), refusal=refusal, sent_here=sent_here, notice=NOT_A_DEVICE
    )
    return HTMLResponse(shown, status_code=401 if refusal else 200, headers=OWN_FORMS)


async def _posted(request: Request) -> dict[str, str]:
    """Read a form; raises RequestRefusedError for what is none, ForbiddenError for another site's."""
    _require_same_origin(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise RequestRefusedError(415, f"The body must be {FORM}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise RequestRefusedError(413, f"The body is larger than {MOST_BYTES} bytes.")
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=5, keep_blank_values=True)
    except ValueError:
        raise RequestRefusedError(400, "The body is not a form.") from None
    return {name: values[0] for name, values in fields.items()}


def _require_same_origin(request: Request) -> None:
    """Refuse a form of another site: it would log somebody in as somebody else."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise ForbiddenError("This form is for the service's own pages.")
