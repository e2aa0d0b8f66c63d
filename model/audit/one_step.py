"""One step ahead: the predicted chance that a visit's tests find something, against what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model.audit.judged import MIN_EVENTS
from model.audit.metrics import ratio
from model.audit.resampling import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.audit.detection import DetectionSteps
    from model.types import BoolArray, FloatArray, Outcomes

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
    patient = np.concatenate([part.patient for part in parts])
    month = np.concatenate([part.month for part in parts])
    probability = np.concatenate([part.probability for part in parts])
    found = (outcomes.cause[patient] == of_cause) & (month == outcomes.exit_month[patient])
    untested = (outcomes.cause == of_cause).astype(np.float64)
    untested[patient[found]] = 0.0

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
