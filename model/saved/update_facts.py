"""What an update says about itself: in the facts of the new version, and in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from model.learning.updating import FEWEST_EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.learning.updating import CauseUpdate, Moved
    from model.saved.artifact import LoadedModel
    from model.study.definition import Study
    from model.tables.cohort import Cohort
    from model.types import FloatArray

ALL = "all"


def compared(study: Study, gain: FloatArray) -> list[dict[str, Any]]:
    """Sum what the update gained in log likelihood on patients it had not seen: by cause, then over all.

    gain : (n_patients, n_causes)
    """
    columns = [*zip(study.event_names, gain.T, strict=True), (ALL, gain.sum(axis=1))]
    return [
        {"event": name, "value": float(each.sum()), "standard_error": float(each.std(ddof=1) * math.sqrt(len(each)))}
        for name, each in columns
    ]


def told(comparison: Sequence[dict[str, Any]]) -> list[str]:
    """Say what the comparison means."""
    *causes, total = comparison
    worse = [row["event"] for row in causes if row["value"] < 0]
    lines = ["cross-validated log likelihood on these patients, updated minus old (standard error):"]
    lines += [f"  {row['event']}: {row['value']:+.1f} ({row['standard_error']:.1f})" for row in comparison]
    if total["value"] < 0:
        lines.append("UPDATING MADE IT WORSE on patients it had not seen: the old model is the better one here")
    elif total["value"] < 2 * total["standard_error"]:
        lines.append("updating helped no more than chance may have")
    else:
        lines.append("updating helped")
    if worse and total["value"] >= 0:
        lines.append(f"it made it worse for {', '.join(worse)}")
    return lines


def one_step_ahead(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Pair observed over expected, one visit ahead, of two audits: by cause that is found by tests."""
    pairs = zip(before["one_step"], after["one_step"], strict=True)
    return [
        {"event": new["event"], "before": old["ratio"], "after": new["ratio"]}
        for old, new in pairs
        if new["group"] == "all"
    ]


def one_step_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say how observed over expected changed, where it could be computed."""
    lines = [
        f"  {row['event']}: {row['before']['value']:.2f} -> {row['after']['value']:.2f}"
        for row in rows
        if row["before"] and row["after"]
    ]
    return ["observed / expected findings at the next visit, old -> updated:", *lines] if lines else []


def cause_lines(study: Study, updates: Sequence[CauseUpdate]) -> list[str]:
    """Say what was done to each cause."""
    lines = []
    for name, update in zip(study.event_names, updates, strict=True):
        # What the tests say directly, where there are tests; the forecast's own figures follow it closely.
        numbers = _numbers(update.past or update.hazard, update)
        parts = [f"  {name}: {update.n_events} local events, {update.method}"]
        if "shift" in numbers:
            ratio = {key: math.exp(value) for key, value in numbers["shift"].items()}
            parts.append("hazard x {value:.2f} ({low:.2f} to {high:.2f})".format(**ratio))
        if "slope" in numbers:
            parts.append("slope {value:.2f} ({low:.2f} to {high:.2f})".format(**numbers["slope"]))
        if update.method != "kept" and update.n_events < FEWEST_EVENTS[update.method]:
            parts.append(f"fewer events than the {FEWEST_EVENTS[update.method]} it should have")
        if not update.converged:
            parts.append("NOT converged")
        lines.append(", ".join(parts))
    return lines


def updated_facts(
    model: LoadedModel,
    cohort: Cohort,
    updates: Sequence[CauseUpdate],
    comparison: list[dict[str, Any]],
    one_step: list[dict[str, Any]],
    *,
    asked: str,
    seed: int,
) -> dict[str, Any]:
    """Add the update to the facts of the old model, which stay those of its training."""
    old, study = model.facts, model.predictor.study
    synthetic = cohort.about.get("synthetic")
    origin = "" if synthetic is False else "Whether the local data are real is not stated. "
    if synthetic is True:
        origin = "Updated with synthetic data: not for decisions about real patients. "
    said = {row["id"]: row["value"] for row in old["attributes"]}
    said["O6"] += f"; updated for a site by {len(cohort)} patients of its own"
    said["O10"] = origin + said["O10"]
    said["O27"] = (
        "On the site's own patients by cross-validation: audit.json. "
        "The model before the update on the same patients: audit_before_update.json"
    )
    said["O30"] += f". This version is {model.version} fitted to a site by `python -m model.update`"
    by_name = dict(zip(study.event_names, updates, strict=True))
    as_stated = {name for name, update in by_name.items() if update.method in ("kept", "intercept")}
    return {
        **old,
        "synthetic": _either(old.get("synthetic"), synthetic),
        "seed": seed,
        "command": f"python -m model.update --artifact {model.version} --cohort DIR --method {asked} --seed {seed}",
        # Effects that were moved are no longer what is stated there.
        "effects": [row for row in old["effects"] if row["event"] in as_stated],
        "attributes": [{**row, "value": said[row["id"]]} for row in old["attributes"]],
        "update": {
            "updated_from": {"version": model.version, "sha256": model.sha256},
            "patients": len(cohort),
            "sha256": cohort.sha256,
            "about": cohort.about,
            "fewest_events": dict(FEWEST_EVENTS),
            "causes": [
                {
                    "event": name,
                    "method": update.method,
                    "n": update.n_events,
                    "converged": update.converged,
                    **_numbers(update.hazard, update),
                    **({"past": _numbers(update.past, update)} if update.past else {}),
                }
                for name, update in by_name.items()
            ],
            "log_likelihood_gain": comparison,
            "one_step": one_step,
            "helped": comparison[-1]["value"] >= 0,
        },
    }


def _numbers(moved: Moved | None, update: CauseUpdate) -> dict[str, Any]:
    """Shift of the log hazard, and slope, with their 95 % intervals; nothing for a re-fit, which has neither."""
    if moved is None or update.method == "refit":
        return {}
    middle = moved.amount + [0.0, 1.0][: len(moved.amount)]
    half = 1.96 * np.sqrt(np.diag(moved.covariance))
    return {
        name: {"value": float(value), "low": float(value - width), "high": float(value + width)}
        for name, value, width in zip(("shift", "slope"), middle, half, strict=False)
    }


def _either(one: object, other: object) -> bool | None:
    """Whether any of two cohorts is synthetic; None where that is not known."""
    if True in (one, other):
        return True
    return None if None in (one, other) else False
