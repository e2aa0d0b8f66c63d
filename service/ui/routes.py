"""Routes of the pages."""

import math
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from model.saved.artifact import LoadedModel
from service.api.answers import model_ref
from service.api.asking import AskedDep
from service.api.dependencies import PatientId, ServiceDep
from service.api.incoming import Name
from service.api.monitoring import calibration, drift
from service.api.reading import read
from service.api.recommending import recommended, remember
from service.api.silent import offer
from service.api.strict_json import RequestRefusedError, accepted_type
from service.api.strict_route import StrictRoute
from service.rules import require_tier
from service.ui.addresses import login_address
from service.ui.finding import find, find_overdue
from service.ui.monitored import monitoring_page
from service.ui.pages import patient_page

# Told to send no referrer, a browser does not name the origin of a form either, and the pages' own forms are refused.
# The origin is all that it may name: what was searched for, and whose page it was, stand in the address.
OWN_FORMS = {"referrer-policy": "strict-origin"}


def _require_html_answer(request: Request) -> None:
    accepted_type(request.headers.get("accept"), ("text/html",))


router = APIRouter(prefix="/ui", route_class=StrictRoute, include_in_schema=False)
html_only = [Depends(_require_html_answer)]


@router.get("", dependencies=html_only)
def show_patients(
    service: ServiceDep,
    asked: AskedDep,
    page: Annotated[str, Query(pattern=r"^[1-9][0-9]{0,5}$")] = "1",
    q: Annotated[str, Query(max_length=100)] = "",
    show: Literal["all", "overdue"] = "all",
) -> HTMLResponse:
    """List the patients by reference or, if asked for, the overdue, each with the next visit."""
    number, reference = int(page), q.strip()
    look = find_overdue if show == "overdue" else find
    found = look(service, asked.caller.centres, reference=reference, number=number)
    action = "overdue.read" if show == "overdue" else "patients.list"
    service.reads.note(asked.entry(service.clock(), action, page=number, searched=bool(reference)))
    kept = {name: value for name, value in (("q", reference), ("show", show)) if value not in ("", "all")}
    return _page("patients.html", service.model, found=found, number=number, q=reference, show=show, kept=kept)


@router.get("/patients/{patient_id}", dependencies=html_only)
def show_patient(patient_id: PatientId, service: ServiceDep, asked: AskedDep, tier: Name | None = None) -> HTMLResponse:
    """Show one patient, planned for at a tier of care (the patient's own)."""
    require_tier(service.model.predictor.study, tier, "query.tier")
    stored = read(service, asked, "page.read", patient_id)
    shown = patient_page(service.model, service.planning, stored, service.today(), tier=tier)
    offer(service, stored.patient, shown.risk)
    if shown.schedule is not None:
        _, made = recommended(service.planning, patient_id, stored.patient, shown.schedule, whole=True)
        remember(service, asked, made)
    return _page("patient.html", service.model, page=shown)


@router.get("/monitoring", dependencies=html_only)
def show_monitoring(service: ServiceDep) -> HTMLResponse:
    """Show whether the model is right about the service's own patients; nothing about anybody in particular."""
    shown = monitoring_page(service.model.predictor.study, calibration(service), drift(service))
    return _page("monitoring.html", service.model, page=shown)


@router.get("/style.css")
def style() -> Response:
    """Give the pages their style."""
    return Response(files("service.ui").joinpath("style.css").read_bytes(), media_type="text/css")


def error_page(request: Request, problem: dict[str, Any]) -> Response | None:
    """Show a refusal as a page to whoever asked for one."""
    try:
        wanted = accepted_type(request.headers.get("accept"), ("application/problem+json", "text/html"))
    except RequestRefusedError:
        return None
    if wanted != "text/html" or not request.url.path.startswith("/ui"):
        return None
    if problem["status"] == HTTPStatus.UNAUTHORIZED:
        return RedirectResponse(login_address(request), status_code=HTTPStatus.SEE_OTHER)
    model = request.app.state.service.model
    return _page("error.html", model, status=problem["status"], problem=problem)


def _page(template: str, model: LoadedModel, *, status: int = 200, **values: Any) -> HTMLResponse:
    study = model.predictor.study
    labels = {item.name: item.label or item.name for item in study.event}
    labels |= {item.name: item.label or item.name for item in (*study.baseline, *study.marker)}
    labels |= {item.name: item.label or item.name for item in study.test}
    units = {item.name: item.unit or "" for item in study.marker}
    hidden = {event.name for event in study.event if event.observed == "test"}
    *others, last = (labels[study.event_names[cause - 1]].lower() for cause in study.targets)
    targets = f"{', '.join(others)} or {last}" if others else last
    content = environment.get_template(template).render(
        ref=model_ref(model), study=study, labels=labels, units=units, hidden=hidden, targets=targets, **values
    )
    return HTMLResponse(content, status_code=status, headers=OWN_FORMS)


def _percent(probability: float) -> str:
    if 0 < probability < 0.0005:
        return "< 0.1 %"
    return f"{100 * probability:.1f} %"


def _points(difference: float) -> str:
    """Show a difference of probabilities in percentage points, with a sign unless it rounds to nothing."""
    rounded = round(100 * difference, 1)
    return f"{rounded:+.1f}".replace("-", "\N{MINUS SIGN}") if rounded else "0.0"


def _signed(difference: float) -> str:
    """Show a difference with a sign unless it rounds to nothing."""
    rounded = round(difference, 2)
    return f"{rounded:+.2f}".replace("-", "\N{MINUS SIGN}") if rounded else "0.00"


def _times(log_hazard: float) -> str:
    return f"\N{MULTIPLICATION SIGN}{math.exp(log_hazard):.2f}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return f"{value:.3g}" if abs(value) < 1 else f"{round(value, 2):.10g}"


def _chance(probability: float | None) -> str:
    return "" if probability is None else f", chance {_percent(probability)}"


environment = Environment(loader=PackageLoader("service.ui"), autoescape=True, undefined=StrictUndefined)
environment.filters |= {
    "percent": _percent,
    "points": _points,
    "signed": _signed,
    "times": _times,
    "value": _value,
    "chance": _chance,
}
