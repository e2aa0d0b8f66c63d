"""What a record may say: the study's columns, levels and ranges, and the order of dates."""

from __future__ import annotations

import difflib
import math
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from model.tables.columns import TEST_WORDS
from service.errors import DuplicateError, Fault, FollowUpClosedError, InvalidError, StudyMismatchError
from service.record import Outcome, Patient, Value, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from model.study.definition import Study
    from model.study.entries import Baseline, Marker
    from service.record import StoredPatient

    Rule = Callable[[Any], str | None]

EARLIEST = date(1900, 1, 1)
# Clocks and time zones of two machines may differ: a date may lie this far ahead.
CLOCK_SLACK = timedelta(days=1)

T = TypeVar("T")


def tiers(study: Study) -> tuple[str, ...]:
    """Tiers of care that the study's tests name, in the order of their first mention."""
    return tuple(dict.fromkeys(tier for test in study.test for tier in test.tiers))


def new_patient(
    study: Study, *, origin_date: date, baseline: Mapping[str, Any], tier: str | None, today: date, at: str = ""
) -> Patient:
    """Check a patient without visits; raises InvalidError that lists every fault, each path starting with `at`."""
    accepted, faults = _accepted(baseline, _baseline_rules(study), f"{at}baseline")
    faults += [
        Fault(f"{at}baseline.{item.name}", "this value is required")
        for item in study.baseline
        if item.required and baseline.get(item.name) is None
    ]
    faults += _not_future(origin_date, f"{at}origin_date", today)
    if origin_date < EARLIEST:
        faults.append(Fault(f"{at}origin_date", f"must not be before {EARLIEST}"))
    faults += _tier_faults(study, tier, f"{at}tier")
    return _or_raise(Patient(origin_date, accepted, tier), faults)


def corrected_patient(
    study: Study, patient: Patient, *, origin_date: date, baseline: Mapping[str, Any], tier: str | None, today: date
) -> Patient:
    """Check a correction: `baseline` over what is recorded, null = not known after all; raises InvalidError."""
    merged = {**patient.baseline, **baseline}
    checked = new_patient(study, origin_date=origin_date, baseline=merged, tier=tier, today=today)
    faults = []
    if patient.visits and patient.visits[0].date < origin_date:
        faults.append(Fault("origin_date", "must not be after the patient's first visit"))
    if patient.outcome is not None and patient.outcome.date <= origin_date:
        faults.append(Fault("origin_date", "must be before the patient's outcome"))
    return _or_raise(replace(checked, visits=patient.visits, outcome=patient.outcome), faults)


def new_visit(
    study: Study,
    patient: Patient,
    *,
    day: date,
    markers: Mapping[str, Any],
    tests: Mapping[str, Any],
    note: str | None,
    today: date,
    at: str = "",
) -> Visit:
    """Check a visit of a patient; raises InvalidError for faults of the visit itself."""
    measured, faults = _accepted(markers, {item.name: _number_rule(item) for item in study.marker}, f"{at}markers")
    words = _word_rule(TEST_WORDS)
    results, more = _accepted(tests, {test.name: words for test in study.test}, f"{at}tests")
    faults += [*more, *_not_future(day, f"{at}date", today)]
    if day < patient.origin_date:
        faults.append(Fault(f"{at}date", "must not be before the patient's origin_date"))
    return _or_raise(Visit(day, measured, results, note), faults)


def new_outcome(study: Study, patient: Patient, *, day: date, event: str, today: date) -> Outcome:
    """Check how follow-up ended; raises InvalidError."""
    faults = _not_future(day, "date", today)
    if day <= patient.origin_date:
        faults.append(Fault("date", "must be after the patient's origin_date"))
    if patient.visits and day < patient.visits[-1].date:
        faults.append(Fault("date", "must not be before the patient's last visit"))
    if rule := _word_rule(("none", *study.event_names))(event):
        faults.append(Fault("event", rule))
    return _or_raise(Outcome(day, event), faults)


def moment(patient: Patient, as_of: date | None, *, today: date, at: str) -> date:
    """Choose the date that an answer is about, today where none is given; raises InvalidError."""
    # The origin may lie a day ahead of our clock.
    day = max(today, patient.origin_date) if as_of is None else as_of
    faults = _not_future(day, at, today)
    if day < patient.origin_date:
        faults.append(Fault(at, "must not be before the patient's origin_date"))
    return _or_raise(day, faults)


def require_tier(study: Study, tier: str | None, at: str) -> None:
    """Refuse the name of a tier that the study does not know; None is no name."""
    _or_raise(tier, _tier_faults(study, tier, at))


def require_distinct(days: Sequence[date]) -> None:
    """Refuse a list of visits that holds a day twice; raises InvalidError."""
    known: set[date] = set()
    faults = []
    for number, day in enumerate(days):
        if day in known:
            faults.append(Fault(f"visits.{number}.date", "another visit has this date: merge them into one"))
        known.add(day)
    _or_raise(None, faults)


def require_room(patient: Patient, visit: Visit) -> None:
    """Refuse a visit on a day that has one, or after the end of follow-up."""
    if any(known.date == visit.date for known in patient.visits):
        raise DuplicateError("The patient has a visit on this date: retract it first to correct it.")
    if patient.outcome is not None and visit.date > patient.outcome.date:
        raise FollowUpClosedError("The visit lies after the end of the patient's follow-up.")


def require_open(patient: Patient) -> None:
    """Refuse a second outcome."""
    if patient.outcome is not None:
        raise FollowUpClosedError("The patient's follow-up has ended already.")


def require_study(study: Study, stored: StoredPatient) -> None:
    """Refuse a record that the loaded model's study would misread."""
    if stored.study != study.name or not fits(study, stored.patient):
        raise StudyMismatchError(
            f'The record was made for the study "{stored.study}" and does not fit the loaded model\'s, "{study.name}".'
        )


def fits(study: Study, patient: Patient) -> bool:
    """Whether a study knows every column and value of a record."""
    rules = {**_baseline_rules(study), **{item.name: _number_rule(item) for item in study.marker}}
    rules |= {test.name: _word_rule(TEST_WORDS) for test in study.test}
    written = [patient.baseline, *(part for visit in patient.visits for part in (visit.markers, visit.tests))]
    return not any(_accepted(part, rules, "")[1] for part in written)


def _accepted(given: Mapping[str, Any], rules: Mapping[str, Rule], path: str) -> tuple[dict[str, Any], list[Fault]]:
    """Return (what keeps the rules, without nulls and with numbers as floats; every fault)."""
    accepted: dict[str, Value] = {}
    faults: list[Fault] = []
    for name, value in given.items():
        if name not in rules:
            near = difflib.get_close_matches(name, rules, n=1)
            faults.append(Fault(f"{path}.{name}", "unknown" + (f"; did you mean {near[0]}?" if near else "")))
        elif value is not None and (rule := rules[name](value)):
            faults.append(Fault(f"{path}.{name}", rule))
        elif value is not None:
            accepted[name] = value if isinstance(value, bool | str) else float(value)
    return accepted, faults


def _baseline_rules(study: Study) -> dict[str, Rule]:
    return {item.name: _baseline_rule(item) for item in study.baseline}


def _baseline_rule(baseline: Baseline) -> Rule:
    if baseline.kind == "number":
        return _number_rule(baseline)
    if baseline.kind == "binary":
        return lambda value: None if isinstance(value, bool) else "must be true or false"
    return _word_rule(baseline.levels)


def _number_rule(measured: Baseline | Marker) -> Rule:
    low, high = measured.range or (-math.inf, math.inf)

    def rule(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "must be a number"
        if measured.range is not None and not low <= value <= high:
            return f"must be from {low:g} to {high:g}" + (f" {measured.unit}" if measured.unit else "")
        return None if -1e300 < value < 1e300 else "must be a finite number"

    return rule


def _word_rule(words: Iterable[str]) -> Rule:
    allowed = tuple(words)
    return lambda value: None if isinstance(value, str) and value in allowed else f"must be one of {', '.join(allowed)}"


def _tier_faults(study: Study, tier: str | None, path: str) -> list[Fault]:
    if tier is None or tier in tiers(study):
        return []
    known = ", ".join(tiers(study))
    return [Fault(path, f"must be one of {known}" if known else "the study names no tiers")]


def _not_future(day: date, path: str, today: date) -> list[Fault]:
    return [Fault(path, "must not lie in the future")] if day > today + CLOCK_SLACK else []


def _or_raise(accepted: T, faults: list[Fault]) -> T:
    if faults:
        raise InvalidError(faults)
    return accepted
