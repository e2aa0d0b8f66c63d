"""What each input of one patient, and each group of inputs, adds to the log hazard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from model.explain.log_hazard import LogHazard, by_source, named, parts
from model.features import at_landmark
from model.onset.scaling import INTERPLAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model.predictor import Predictor
    from model.study.entries import Baseline
    from model.types import FloatArray, Histories

Status = Literal["used", "missing", "stale", "out_of_range"]
Value = float | str | bool
# A marker older than this is still used, with its age as an input of its own, and the reader is told.
STALE_AFTER_MONTHS = 18.0


@dataclass(frozen=True)
class Contribution:
    """One input of one patient.

    Attributes
    ----------
    source : the study's column, "landmark" for the time itself, "interplay" for what several inputs do together
    group : the column's group in the study, "surveillance" for tests, "time" for the landmark, "interplay"
    value : as recorded: a number, a level, True or False, a test's months since it was last done; None = missing
    log_hazard : per event, what it adds to the log hazard just after the moment, against the average training row; all
        sources together are the difference between the patient's log hazard and that of the average row, exactly
    """

    source: str
    label: str
    group: str
    value: Value | None
    unit: str | None
    status: Status
    log_hazard: LogHazard


def contributions(predictor: Predictor, histories: Histories, as_of_month: float) -> list[Contribution]:
    """Take one patient's log hazard apart by input, in the study's order."""
    now = np.array([as_of_month])
    features = at_landmark(predictor.study, histories, np.zeros(1, dtype=np.int64), now)[0]
    added = by_source(predictor, parts(predictor, histories, now)[0])
    groups = {feature.source: feature.group for feature in predictor.features}
    found = []
    for source, (label, unit) in _described(predictor).items():
        value, age = _recorded(predictor, histories, source, as_of_month)
        columns = [index for index, feature in enumerate(predictor.features) if feature.source == source]
        found.append(
            Contribution(
                source=source,
                label=label,
                group=groups[source],
                value=value,
                unit=unit,
                status=_status(predictor, features, columns, missing=value is None, age=age),
                log_hazard=named(predictor, added[source]),
            )
        )
    if INTERPLAY in added:
        whole = named(predictor, added[INTERPLAY])
        found.append(Contribution(INTERPLAY, "Interplay of inputs", INTERPLAY, None, None, "used", whole))
    return found


def group_contributions(found: Iterable[Contribution]) -> dict[str, LogHazard]:
    """Add up the inputs of each group."""
    groups: dict[str, LogHazard] = {}
    for item in found:
        so_far = groups.setdefault(item.group, dict.fromkeys(item.log_hazard, 0.0))
        groups[item.group] = {event: so_far[event] + effect for event, effect in item.log_hazard.items()}
    return groups


def as_recorded(baseline: Baseline, value: float) -> Value:
    """Say a baseline's number as people wrote it."""
    if baseline.kind == "binary":
        return bool(value)
    return baseline.levels[int(value)] if baseline.levels else value


def _described(predictor: Predictor) -> dict[str, tuple[str, str | None]]:
    study = predictor.study
    measured = {item.name: (item.label or item.name, item.unit) for item in (*study.baseline, *study.marker)}
    tests = {test.name: (test.label or test.name, "months since last done") for test in study.test}
    return {**measured, **tests, "landmark": (f"Time since {study.origin.lower()}", "months")}


def _recorded(
    predictor: Predictor, histories: Histories, source: str, as_of_month: float
) -> tuple[Value | None, float]:
    """Return (value as recorded, months since it was): None for what is missing."""
    study = predictor.study
    if source == "landmark":
        return as_of_month, 0.0
    for index, baseline in enumerate(study.baseline):
        if baseline.name == source:
            value = float(histories.baseline[0, index])
            return (None if np.isnan(value) else as_recorded(baseline, value)), 0.0
    month = histories.visit_month[0]
    for index, marker in enumerate(study.marker):
        if marker.name == source:
            at = np.flatnonzero(~np.isnan(histories.marker[0, :, index]) & (month <= as_of_month))
            return (float(histories.marker[0, at[-1], index]), as_of_month - month[at[-1]]) if len(at) else (None, 0.0)
    number = [test.name for test in study.test].index(source)
    at = np.flatnonzero((histories.test[0, :, number] >= 0) & (month <= as_of_month))
    return (as_of_month - float(month[at[-1]]), 0.0) if len(at) else (None, 0.0)


def _status(predictor: Predictor, features: FloatArray, columns: list[int], *, missing: bool, age: float) -> Status:
    if missing:
        return "missing"
    if age > STALE_AFTER_MONTHS:
        return "stale"
    low, high = predictor.scaling.low[columns], predictor.scaling.high[columns]
    value = features[columns]
    # A value of a kind that training never met (NaN range) is out of range too.
    inside = (value >= low - 1e-9) & (value <= high + 1e-9)
    return "used" if inside[~np.isnan(value)].all() else "out_of_range"
