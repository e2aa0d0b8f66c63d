"""Why this risk: what each input adds to the log hazard, and which inputs moved it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from model.features import MONTHS_PER_DECADE, at_landmark
from model.onset.hazard import clock_at
from model.types import NOT_DONE

if TYPE_CHECKING:
    from model.onset.hazard import Parameters
    from model.predictor import Predictor
    from model.study import Marker, Test
    from model.types import FloatArray, Histories

Status = Literal["used", "missing", "stale", "out_of_range"]
# A marker older than this is still used, with its age as an input of its own, and the reader is told.
STALE_AFTER_MONTHS = 18.0


@dataclass(frozen=True)
class Contribution:
    """One input of one patient.

    Attributes
    ----------
    source : the study's column, or "landmark" for the time itself
    value : as recorded: a number, a level, True or False, a test's months since it was last done; None = missing
    log_hazard : per event, what it adds to the log hazard just after the moment, against the average training row; all
        sources together are the difference between the patient's log hazard and that of the average row, exactly
    """

    source: str
    label: str
    value: float | str | bool | None
    unit: str | None
    status: Status
    log_hazard: dict[str, float]


@dataclass(frozen=True)
class Driver:
    """What one result changed: per event, the probability within the shortest horizon with it, minus without it."""

    source: str
    label: str
    change: dict[str, float]


def contributions(predictor: Predictor, histories: Histories, as_of_month: float) -> list[Contribution]:
    """Take one patient's log hazard apart by input, in the study's order."""
    features = at_landmark(predictor.study, histories, np.zeros(1, dtype=np.int64), np.array([as_of_month]))
    scores = predictor.scaling.apply(features)[0]
    sources = [feature.source for feature in predictor.features]
    sources += [predictor.features[index].source for index in predictor.scaling.flagged]
    added = {
        event.name: _added(scores, cause.parameters, predictor, as_of_month)
        for event, cause in zip(predictor.study.event, predictor.causes, strict=True)
    }
    found = []
    for source, (label, unit) in _described(predictor).items():
        columns = [index for index, name in enumerate(sources) if name == source]
        value, age = _recorded(predictor, histories, source, as_of_month)
        known = [index for index in columns if index < len(predictor.features)]
        found.append(
            Contribution(
                source=source,
                label=label,
                value=value,
                unit=unit,
                status=_status(predictor, features[0], known, missing=value is None, age=age),
                log_hazard={event: float(parts[columns].sum()) for event, parts in added.items()},
            )
        )
    return found


def drivers(predictor: Predictor, histories: Histories, as_of_month: float) -> list[Driver]:
    """Say what each result of one patient's latest visit did to the risks, largest first.

    Each result is left out in turn, the others kept: what a marker says about the hazard and what a negative test says
    about unseen disease both count. Results can overlap, so the changes need not add up to the visit's whole change.
    """
    visits = np.flatnonzero(histories.visit_month[0] <= as_of_month)
    if not len(visits):
        return []
    latest = visits[-1]
    study = predictor.study
    markers = np.flatnonzero(~np.isnan(histories.marker[0, latest]))
    tests = np.flatnonzero(histories.test[0, latest] != NOT_DONE)
    variants = histories.select(np.zeros(1 + len(markers) + len(tests), dtype=np.int64))
    variants.marker[1 + np.arange(len(markers)), latest, markers] = np.nan
    variants.test[1 + len(markers) + np.arange(len(tests)), latest, tests] = NOT_DONE
    risk = predictor.predict(variants, np.full(len(variants), as_of_month)).at(study.horizon_months[0])
    changed: list[Marker | Test] = [study.marker[index] for index in markers]
    changed += [study.test[index] for index in tests]
    moved = [
        Driver(
            item.name, item.label or item.name, dict(zip(study.event_names, (risk[0] - without).tolist(), strict=True))
        )
        for item, without in zip(changed, risk[1:], strict=True)
    ]
    return sorted(moved, key=lambda driver: -max(abs(difference) for difference in driver.change.values()))


def _added(scores: FloatArray, parameters: Parameters, predictor: Predictor, as_of_month: float) -> FloatArray:
    """Each score's part of the log hazard just past the moment, (n_scores,), against the average training row.

    The clock is part of the landmark's, and counts from the average landmark like every other score.
    """
    added = scores * parameters.steady
    added[predictor.fading] += scores[predictor.fading] * parameters.wearing_off * predictor.grid.fade[0]
    time = next(index for index, feature in enumerate(predictor.features) if feature.what == "time")
    added[time] += parameters.clock[0] * (clock_at(np.array(as_of_month)) - clock_at(average_landmark(predictor)))
    return added


def average_landmark(predictor: Predictor) -> FloatArray:
    """Month of the average landmark row in training, of which the feature holds decades."""
    time = next(index for index, feature in enumerate(predictor.features) if feature.what == "time")
    return np.array(predictor.scaling.mean[time] * MONTHS_PER_DECADE)


def _described(predictor: Predictor) -> dict[str, tuple[str, str | None]]:
    study = predictor.study
    measured = {item.name: (item.label or item.name, item.unit) for item in (*study.baseline, *study.marker)}
    tests = {test.name: (test.label or test.name, "months since last done") for test in study.test}
    return {**measured, **tests, "landmark": (f"Time since {study.origin.lower()}", "months")}


def _recorded(
    predictor: Predictor, histories: Histories, source: str, as_of_month: float
) -> tuple[float | str | bool | None, float]:
    """Return (value as recorded, months since it was): None for what is missing."""
    study = predictor.study
    if source == "landmark":
        return as_of_month, 0.0
    for index, baseline in enumerate(study.baseline):
        if baseline.name == source:
            value = float(histories.baseline[0, index])
            if np.isnan(value):
                return None, 0.0
            if baseline.kind == "binary":
                return bool(value), 0.0
            return (baseline.levels[int(value)] if baseline.levels else value), 0.0
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
