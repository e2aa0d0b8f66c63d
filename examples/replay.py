"""Enter one patient over HTTP, visit by visit, and say how risk and schedule change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from examples.serving import Client


def enter_patient(client: Client, patient: dict[str, Any]) -> str:
    """Register a patient and return the service's identifier."""
    return str(client.post("/v1/patients", patient)["patient_id"])


def replay(client: Client, patient_id: str, visits: Iterable[dict[str, Any]], *, horizon: float) -> Iterable[str]:
    """Post visits in turn; yields lines: what was found, risk and next date before and after, what moved them."""
    for number, visit in enumerate(visits, 1):
        before = client.get(f"/v1/patients/{patient_id}/schedule?as_of={visit['date']}")
        answer = client.post(f"/v1/patients/{patient_id}/visits", visit)
        change = answer["change"]
        yield f"visit {number}, {visit['date']}: {_findings(visit)}"
        after = {event["name"]: event for event in change["risk_after"]}
        for event in change["risk_before"]:
            then, now = _risk(event, horizon), _risk(after[event["name"]], horizon)
            yield f"    {event['name']:8} within {horizon:g} months: {then:22} -> {now}"
        yield f"    next visit: {_next(before)} -> {_next(answer['schedule'])}"
        shortest = change["risk_after"][0]["horizons"][0]["months"]
        for driver in change["drivers"][:3]:
            moved = ", ".join(f"{event} {100 * value:+.1f}" for event, value in driver["change"].items())
            yield f"    {driver['label']} alone moved the {shortest:g}-month risk by: {moved} points"
        yield ""


def _findings(visit: dict[str, Any]) -> str:
    markers = [f"{name} {value:g}" for name, value in visit.get("markers", {}).items()]
    tests = [f"{name} {result}" for name, result in visit.get("tests", {}).items()]
    return ", ".join([*tests, *markers])


def _risk(event: dict[str, Any], months: float) -> str:
    found = next(item for item in event["horizons"] if item["months"] == months)
    return f"{100 * found['probability']:.1f} % ({100 * found['low']:.1f} % to {100 * found['high']:.1f} %)"


def _next(schedule: dict[str, Any]) -> str:
    following = schedule["next"]
    if following is None:
        return "none"
    tests = f" with {', '.join(following['tests'])}" if following["tests"] else ""
    return f"{following['date']}{tests}"
