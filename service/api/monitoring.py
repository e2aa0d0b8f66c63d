"""Is the model right about our own patients, is it given what it knows, and who was not seen in time."""

from collections.abc import Callable
from typing import TypeVar

from fastapi import APIRouter, Depends

from service.api.asking import AskedDep
from service.api.dependencies import Service, ServiceDep, require_json_answer
from service.api.outgoing_monitoring import CalibrationOut, DriftOut, OverdueOut
from service.api.problems import refusals
from service.api.strict_route import StrictRoute
from service.monitoring.overdue import Overdue, find_overdue
from service.monitoring.report import calibration_answer, drift_answer

router = APIRouter(
    prefix="/v1/monitoring", route_class=StrictRoute, dependencies=[Depends(require_json_answer)], tags=["monitoring"]
)

T = TypeVar("T")


@router.get("/calibration", responses=refusals())
def read_calibration(service: ServiceDep) -> CalibrationOut:
    """Say what happened against what was expected, by calendar quarter and by horizon, and whether that is alarming."""
    return calibration(service)


def calibration(service: Service) -> CalibrationOut:
    """Work it out, or take what was worked out for the same records today."""
    return _kept(service, "calibration", lambda _: calibration_answer(service.model, service.database, service.today()))


@router.get("/drift", responses=refusals())
def read_drift(service: ServiceDep) -> DriftOut:
    """Hold the inputs of each calendar quarter against those that the model was trained on."""
    return drift(service)


def drift(service: Service) -> DriftOut:
    """Work it out, or take what was worked out for the same records today."""
    return _kept(service, "drift", lambda _: drift_answer(service.model, service.database, service.today()))


@router.get("/overdue", responses=refusals())
def read_overdue(service: ServiceDep, asked: AskedDep) -> OverdueOut:
    """List the patients whose planned visit's window is over without a visit, longest overdue first."""
    found = overdue(service, asked.caller.centres)
    service.reads.note(asked.entry(service.clock(), "overdue.read"))
    return OverdueOut.of(service.model, found, service.today())


def overdue(service: Service, centres: frozenset[str] | None) -> Overdue:
    """Find those of some centres (all); plans of records that have not changed are kept."""

    def find(before: Overdue | None) -> Overdue:
        return find_overdue(
            service.model,
            service.planning,
            service.database,
            service.today(),
            {} if before is None else before.plans,
            centres=centres,
        )

    return _kept(service, "overdue" if centres is None else f"overdue {sorted(centres)}", find)


def _kept(service: Service, name: str, work_out: Callable[[T | None], T]) -> T:
    """Work an answer out, unless neither the records nor the day have changed since the last time."""
    with service.database.reading() as patients:
        state = patients.state()
    return service.kept.answer(name, (state, service.today()), work_out)
