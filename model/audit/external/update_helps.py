"""Would fitting the model to these patients help: tried by cross-validation, and nothing kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from model.learning.laid_out import LaidOut
from model.learning.updating import update_predictor, update_without_folds
from model.saved.update_facts import compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.learning.updating import CauseUpdate
    from model.predictor import Predictor
    from model.tables.cohort import Cohort
    from model.types import FloatArray, IntArray

Row = dict[str, Any]
Z95 = 1.96


def update_helps(old: Predictor, cohort: Cohort, fold: IntArray, *, seed: int, jobs: int) -> list[Row]:
    """Try what `model.update` would do to each event, and judge it on patients it has not seen.

    Parameters
    ----------
    fold : (n_patients,) from 0

    Returns
    -------
    A row per event, {event, n, method, hazard_ratio, slope, gain{value, standard_error}, helps}: `method` by the number
    of events, as in `model.update`; `hazard_ratio` and `slope` {value, low, high} as fitted to all patients, None where
    the method has none; `gain` of log likelihood by cross-validation; `helps` "yes" if that exceeds twice its standard
    error, "no" if it is a loss, else "no more than chance"; None where nothing would be done.
    """
    patients = LaidOut.of(old, cohort.histories, cohort.outcomes)
    _, updates = update_predictor(old, patients, seed=seed, jobs=jobs)
    methods = [update.method for update in updates]
    names = cohort.study.event_names
    rows = [_row(name, update) for name, update in zip(names, updates, strict=True)]
    if all(method == "kept" for method in methods):
        return rows
    held_out = update_without_folds(old, patients, fold, updates, seed=seed, jobs=jobs)
    gains = compared(cohort.study, gain_without_folds(old, held_out, patients, fold))
    return [
        row if row["method"] == "kept" else {**row, **_judged(gain)} for row, gain in zip(rows, gains, strict=False)
    ]


def gain_without_folds(old: Predictor, held_out: Sequence[Predictor], patients: LaidOut, fold: IntArray) -> FloatArray:
    """Log likelihood by the model updated without the patient, minus by the old one, (n_patients, n_causes)."""
    with threadpool_limits(limits=1):
        gain = -patients.log_likelihoods(old)
        for number, predictor in enumerate(held_out):
            gain[fold == number] += patients.select(fold == number).log_likelihoods(predictor)
    return gain


def lines(rows: Sequence[Row]) -> list[str]:
    """Say it in words."""
    told = []
    for row in rows:
        if row["method"] == "kept":
            told.append(f"  {row['event']}: {row['n']} events, too few for an update")
            continue
        parts = [f"  {row['event']}: {row['n']} events, {row['method']}"]
        if row["hazard_ratio"]:
            parts.append("hazard x {value:.2f} ({low:.2f} to {high:.2f})".format(**row["hazard_ratio"]))
        gain = "log likelihood {value:+.1f} (standard error {standard_error:.1f})".format(**row["gain"])
        told.append(", ".join([*parts, gain, f"helps: {row['helps']}"]))
    return told


def _row(event: str, update: CauseUpdate) -> Row:
    # What the tests say directly, where there are tests; the forecast's own figures follow it closely.
    moved = update.past or update.hazard
    shift = slope = None
    if moved is not None and update.method in ("intercept", "slope"):
        half = Z95 * moved.covariance.diagonal() ** 0.5
        low, high = moved.amount - half, moved.amount + half
        shift = {"value": moved.amount[0], "low": low[0], "high": high[0]}
        if update.method == "slope":
            slope = {"value": 1 + float(moved.amount[1]), "low": 1 + float(low[1]), "high": 1 + float(high[1])}
    return {
        "event": event,
        "n": update.n_events,
        "method": update.method,
        "hazard_ratio": shift and {key: math.exp(value) for key, value in shift.items()},
        "slope": slope,
        "gain": None,
        "helps": None,
    }


def _judged(gain: Row) -> Row:
    value, error = gain["value"], gain["standard_error"]
    verdict = "yes" if value > 2 * error else "no" if value < 0 else "no more than chance"
    return {"gain": {"value": value, "standard_error": error}, "helps": verdict}
