"""One step ahead: the predicted chance that a visit's tests find something, against what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model.audit.calibration import intercept_and_slope
from model.audit.judged import MIN_EVENTS
from model.audit.metrics import ratio
from model.audit.resampling import number, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.audit.detection import DetectionSteps
    from model.types import BoolArray, FloatArray, IntArray, Outcomes

N_GROUPS = 10


def audit_one_step(
    event: str, of_cause: int, parts: Sequence[DetectionSteps], outcomes: Outcomes, count: FloatArray
) -> list[dict[str, Any]]:
    """Compare expected with observed detections of one cause: all visits, then by tenth of the predicted chance.

    Parameters
    ----------
    parts : the predicted visits of every fold
    outcomes : (n_patients,)
    count : (1 + n_draws, n_patients) how often each patient counts

    Notes
    -----
    An event counts at the visit at which it is dated, whatever led to that visit and even if the tests done there were
    negative (found by symptoms). An event dated where no test of ours was done has no visit to count at: it is in the
    row for all, with nothing expected, and has a row of its own.
    """
    patient, probability, found = _visits(of_cause, parts, outcomes)
    untested = _untested(of_cause, patient[found], outcomes)

    def row(group: str, level: str, inside: BoolArray, extra: FloatArray) -> dict[str, Any]:
        n_patients = len(outcomes.cause)
        observed = extra + np.bincount(patient[inside], found[inside], minlength=n_patients)
        expected = np.bincount(patient[inside], probability[inside], minlength=n_patients)
        events = int(observed.sum())
        enough = events >= MIN_EVENTS and expected.any()
        return {
            "event": event,
            "group": group,
            "level": level,
            "n": int(inside.sum()),
            "observed": events,
            "expected": float(expected.sum()),
            "ratio": number(ratio(count @ observed, count @ expected)) if enough else None,
        }

    nobody = np.zeros_like(untested)
    everything, nothing = np.ones(len(patient), dtype=bool), np.zeros(len(patient), dtype=bool)
    rows = [row("all", "all visits", everything, untested)]
    if untested.any():
        rows.append(row("all", "found without a test", nothing, untested))
    if not len(patient):
        return rows
    tenth = np.searchsorted(np.quantile(probability, np.arange(1, N_GROUPS) / N_GROUPS), probability, side="right")
    return rows + [row("predicted chance", f"tenth {k + 1}", tenth == k, nobody) for k in np.unique(tenth)]


def one_step_calibration(
    event: str, of_cause: int, parts: Sequence[DetectionSteps], outcomes: Outcomes, count: FloatArray
) -> dict[str, Any]:
    """Regress what a visit found, 0 or 1, on the logit of its predicted chance; parameters as in `audit_one_step`.

    Every visit weighs the same, times how often its patient was drawn: logistic regression by itself gives weight to
    chances near one half and hardly any to those near 0. A chance of exactly 0 has no logit: such visits are left out.
    """
    patient, probability, found = _visits(of_cause, parts, outcomes)
    judged = (probability > 0) & (probability < 1)
    n, events = int(judged.sum()), int(found[judged].sum())
    place = {"event": event, "n": n, "observed": events}
    if events < MIN_EVENTS:
        return {**place, "intercept": None, "slope": None, "too_few": f"too few events ({events})"}
    weight = count[:, patient[judged]]
    intercept, slope = intercept_and_slope(probability[judged], found[judged], weight)
    return {**place, **numbers({"intercept": intercept, "slope": slope}), "too_few": None}


def observed_and_expected(
    of_cause: int, parts: Sequence[DetectionSteps], outcomes: Outcomes
) -> tuple[FloatArray, FloatArray]:
    """Detections of each patient, with or without a test, and those expected at the visits, (n_patients,) each."""
    patient, probability, _ = _visits(of_cause, parts, outcomes)
    expected: FloatArray = np.bincount(patient, probability, minlength=len(outcomes.cause)).astype(np.float64)
    return (outcomes.cause == of_cause).astype(np.float64), expected


def _visits(
    of_cause: int, parts: Sequence[DetectionSteps], outcomes: Outcomes
) -> tuple[IntArray, FloatArray, BoolArray]:
    """Patient, chance and whether the cause was found, (n_visits,) each."""
    patient = np.concatenate([part.patient for part in parts])
    month = np.concatenate([part.month for part in parts])
    probability = np.concatenate([part.probability for part in parts])
    return patient, probability, (outcomes.cause[patient] == of_cause) & (month == outcomes.exit_month[patient])


def _untested(of_cause: int, found: IntArray, outcomes: Outcomes) -> FloatArray:
    """1 for whoever had the event and is not among those `found` at a visit, (n_patients,)."""
    untested: FloatArray = (outcomes.cause == of_cause).astype(np.float64)
    untested[found] = 0.0
    return untested
