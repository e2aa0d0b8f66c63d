"""What policies came to over the same patients: means with Monte Carlo error, and paired comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model.audit.resampling import number, patient_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model.audit.resampling import Number
    from model.simulate.course import Course
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray

LATE_MONTHS = (6.0, 12.0)


@dataclass(frozen=True)
class Outcome:
    """A policy's course over all patients.

    Attributes
    ----------
    kind : guideline, rhythm, oracle, or the curve it lies on: "one calendar", "risk groups", "engine" ...
    price : of an undetected month, for points of a curve
    """

    name: str
    kind: str
    course: Course
    price: float | None = None


@dataclass(frozen=True)
class Patients:
    """What is true of the patients, (n_patients,): whether there is something to find, and when the count ends."""

    recurs: BoolArray
    last_month: FloatArray


def rows_of(outcome: Outcome, patients: Patients, study: Study) -> list[dict[str, Any]]:
    """One row for all patients, one for those who recur within the horizon, one for those who never do."""
    everybody = np.ones(len(patients.recurs), dtype=bool)
    groups = {"all": everybody, "recurring": patients.recurs, "never recurring": ~patients.recurs}
    return [_row(outcome, patients, study, who, name) for name, who in groups.items() if who.any()]


def _row(outcome: Outcome, patients: Patients, study: Study, who: BoolArray, group: str) -> dict[str, Any]:
    course = outcome.course
    undetected, burden, visits = course.undetected_months[who], course.burden[who], course.visits[who]
    years = np.minimum(course.found_month, patients.last_month)[who].sum() / 12.0
    tests = course.tests[who]
    false_positive = tests @ np.array([test.false_positive for test in study.test])
    recurring = int(patients.recurs[who].sum())
    row: dict[str, Any] = {
        "policy": outcome.name,
        "kind": outcome.kind,
        "price": outcome.price,
        "patients": group,
        "n": int(who.sum()),
        "recurring": recurring,
        **_mean_and_error("burden", burden),
        **_mean_and_error("undetected_months", undetected),
        "undetected_median": float(np.median(undetected)),
        "undetected_90th_percentile": float(np.quantile(undetected, 0.9)),
    }
    for limit in LATE_MONTHS:
        row[f"share_over_{limit:g}_months"] = float(np.mean(undetected > limit))
    row |= _mean_and_error("found_by_symptoms", course.by_symptoms[who].astype(float))
    row |= {
        "found_by_tests": float(np.mean(np.isfinite(course.found_month[who]) & ~course.by_symptoms[who])),
        **_mean_and_error("visits", visits),
        "visits_per_year": float(visits.sum() / years),
        "false_positives": float(false_positive.mean()),
    }
    return row | {test.name: float(tests[:, column].mean()) for column, test in enumerate(study.test)}


def _mean_and_error(name: str, value: FloatArray) -> dict[str, float]:
    error = value.std(ddof=1) / np.sqrt(len(value)) if len(value) > 1 else np.nan
    return {name: float(value.mean()), f"{name}_se": float(error)}


def compare(
    guidelines: Sequence[Outcome], curves: Mapping[str, Sequence[Outcome]], patients: Patients, *, seed: int
) -> list[dict[str, Any]]:
    """Hold every curve against every guideline, at its undetected time and at its burden.

    A point between two of a curve's points is the policy that gives each patient one of the two by lot. Intervals are
    95 % over patients drawn with replacement, the same for both sides. Where a curve does not reach a guideline's
    level nothing is claimed: None. `late` compares, at equal burden, the 90th percentile among those who recur and the
    share found by symptoms, policy minus guideline.
    """
    weight = patient_weights(len(patients.recurs), seed=seed)
    weight /= weight.sum(axis=1, keepdims=True)
    rows = []
    for guideline in guidelines:
        undetected, burden = _means(guideline, weight)
        for curve, points in curves.items():
            means = np.array([_means(point, weight) for point in points])  # (n_points, 2, n_draws)
            less_burden = _reduction(means[:, 0], means[:, 1], undetected, burden)
            less_undetected = _reduction(means[:, 1], means[:, 0], burden, undetected)
            rows.append(
                {
                    "guideline": guideline.name,
                    "curve": curve,
                    "guideline_undetected_months": float(undetected[0]),
                    "guideline_burden": float(burden[0]),
                    "less_burden": less_burden,
                    "less_undetected": less_undetected,
                    **_late(guideline, points, patients),
                }
            )
    return rows


def _means(outcome: Outcome, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean undetected months and burden in every draw, (n_draws,) each."""
    return weight @ outcome.course.undetected_months, weight @ outcome.course.burden


def _reduction(given: FloatArray, sought: FloatArray, level: FloatArray, against: FloatArray) -> Number | None:
    """By what share a curve's `sought` lies under `against` where its `given` is at `level`, per draw.

    given, sought : (n_points, n_draws); level, against : (n_draws,). None if the curve does not reach the level.
    """
    if not given[:, 0].min() <= level[0] <= given[:, 0].max() or against[0] <= 0:
        return None
    reached = np.array([_between(given[:, d], sought[:, d], level[d]) for d in range(len(level))])
    left = np.divide(reached, against, out=np.full_like(reached, np.nan), where=against > 0)
    return number(1.0 - left)


def _between(given: FloatArray, sought: FloatArray, level: float) -> float:
    order = np.argsort(given, kind="stable")
    return float(np.interp(level, given[order], sought[order]))


def _late(guideline: Outcome, points: Sequence[Outcome], patients: Patients) -> dict[str, Any]:
    """At the curve's point of burden closest to, and not above, the guideline's: how late the late ones are."""
    ours = [point for point in points if point.course.burden.mean() <= guideline.course.burden.mean()]
    if not ours or not patients.recurs.any():
        return {"late": None}
    best = max(ours, key=lambda point: float(point.course.burden.mean()))
    late = {}
    for name, outcome in (("curve", best), ("guideline", guideline)):
        undetected = outcome.course.undetected_months[patients.recurs]
        late[name] = {
            "burden": float(outcome.course.burden.mean()),
            "undetected_90th_percentile": float(np.quantile(undetected, 0.9)),
            "found_by_symptoms": float(outcome.course.by_symptoms[patients.recurs].mean()),
        }
    return {"late": late}
