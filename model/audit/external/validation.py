"""Internal-external validation: each part of a cohort judged by a model that was fitted without any of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import delayed
from threadpoolctl import threadpool_limits

from model.audit.cells import audit_cell, cells_at
from model.audit.external.random_effects import FEWEST, pooled
from model.audit.judged import MIN_EVENTS
from model.audit.metrics import ratio
from model.audit.one_step import audit_one_step
from model.audit.out_of_fold import predict_at_landmark, predict_every_visit
from model.audit.resampling import number, patient_weights
from model.audit.run import audited_landmarks
from model.learning.fitting import fit_predictor
from model.watch import runner, unwatched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.audit.detection import DetectionSteps
    from model.audit.external.held_out import HeldOut
    from model.predictor import Predictor
    from model.tables.cohort import Cohort
    from model.types import BoolArray, FloatArray, Histories, Outcomes
    from model.watch import Watch

Row = dict[str, Any]
ANY = "any target"
PART = {"centre": "centres left out and judged", "temporal": "later patients judged"}
Z95 = 1.96


def judge_parts(
    cohort: Cohort, held_out: HeldOut, *, seed: int, jobs: int, learner: str, watch: Watch = unwatched
) -> dict[str, Any]:
    """Fit without each part, judge by it, and pool what the centres say.

    Parameters
    ----------
    watch : sees the parts as they are done

    Returns
    -------
    `kind` : "centre" or "temporal"
    `parts` : {level, n, events{}}; `always_learned_from` : how many patients are in none
    `one_step` : as in the audit, `group` is the kind and `level` the part; where several target events are found by
        tests, also of them together, as ANY
    `by_horizon` : as in the audit, with `level`
    `summary` : {event, landmark, horizon, n, oe{value, low, high}, next{low, high}, between_sd}, of the one-step ratio
        (landmark and horizon None) and of `oe`, over at least FEWEST parts all of which have the figure
    """
    numbers = range(len(held_out.names))
    tasks = [
        delayed(_fit_and_judge)(cohort, held_out.part == k, seed=seed, learner=learner, level=held_out.names[k])
        for k in numbers
    ]
    found: list[dict[str, list[Row]]] = runner(jobs, watch)(PART[held_out.kind], tasks)
    one_step = [{**row, "group": held_out.kind} for rows in found for row in rows["one_step"]]
    by_horizon = [row for rows in found for row in rows["by_horizon"]]
    return {
        "kind": held_out.kind,
        "always_learned_from": int((held_out.part < 0).sum()),
        "parts": [_counted(cohort, name, held_out.part == k) for k, name in enumerate(held_out.names)],
        "one_step": one_step,
        "by_horizon": by_horizon,
        "summary": summary([*one_step, *by_horizon], len(numbers)),
    }


def judge_alone(predictor: Predictor, histories: Histories, outcomes: Outcomes, *, seed: int) -> dict[str, list[Row]]:
    """Rows `one_step` (all visits) and `by_horizon` of patients whom a predictor has not seen, without baselines."""
    study = predictor.study
    count = patient_weights(len(histories), seed=seed)
    steps = predict_every_visit(predictor, histories, outcomes, np.arange(len(histories)))
    predicted = outcomes.exit_month <= predictor.grid.onset_edge[-1]  # later visits are not
    found = replace(outcomes, cause=np.where(predicted, outcomes.cause, 0))
    one_step = [audit_one_step(study.event_names[k - 1], k, [each], found, count)[0] for k, each in steps.items()]
    together = {k: each for k, each in steps.items() if k in study.targets}
    if len(together) > 1:
        one_step.append(_any_target(together, found, count))
    by_horizon: list[Row] = []
    for landmark in audited_landmarks(study, supported_until=predictor.supported_until_month):
        here = outcomes.exit_month > landmark
        if here.any():
            predictions = predict_at_landmark(predictor, histories, outcomes, here, landmark, baselines=False)
            for horizon in range(len(study.horizon_months)):
                cells = cells_at(study, predictions, outcomes, count, horizon=horizon)
                by_horizon += [row for cell in cells for row in audit_cell(cell)["by_horizon"]]
    order = study.event_names
    by_horizon.sort(key=lambda row: (order.index(row["event"]), row["landmark"], row["horizon"]))
    return {"one_step": one_step, "by_horizon": by_horizon}


def summary(rows: Sequence[Row], n_parts: int) -> list[Row]:
    """Pool log observed/expected by event and, where there are any, landmark and horizon.

    Only where every part has the figure: it is withheld where events are few, and what is left would be too high. The
    variance of a part's is read off its interval.
    """
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        figure = row["oe"] if "oe" in row else row["ratio"]
        if figure is not None and figure["low"] > 0 and figure["high"] > figure["low"]:
            found.setdefault((row["event"], row.get("landmark"), row.get("horizon")), []).append(figure)
    return [
        {"event": event, "landmark": landmark, "horizon": horizon, "n": len(figures), **_pooled(figures)}
        for (event, landmark, horizon), figures in found.items()
        if len(figures) == n_parts >= FEWEST
    ]


def _pooled(figures: Sequence[Row]) -> Row:
    value, low, high = (np.log([figure[key] for figure in figures]) for key in ("value", "low", "high"))
    over = pooled(value, ((high - low) / (2 * Z95)) ** 2)
    mean, low, high, next_low, next_high = np.exp(
        [over.mean, over.low, over.high, over.next_low, over.next_high]
    ).tolist()
    return {
        "oe": {"value": mean, "low": low, "high": high},
        "next": {"low": next_low, "high": next_high},
        "between_sd": over.between_sd,
    }


def _fit_and_judge(cohort: Cohort, out: BoolArray, *, seed: int, learner: str, level: str) -> dict[str, list[Row]]:
    """Do one part; the threads are held so that sums do not depend on how the work is split."""
    histories, outcomes = cohort.histories, cohort.outcomes
    predictor, _ = fit_predictor(
        cohort.study, histories.select(~out), outcomes.select(~out), seed=seed, learner=learner
    )
    with threadpool_limits(limits=1):
        rows = judge_alone(predictor, histories.select(out), outcomes.select(out), seed=seed)
    return {key: [{**row, "level": level} for row in found] for key, found in rows.items()}


def _any_target(steps: dict[int, DetectionSteps], outcomes: Outcomes, count: FloatArray) -> Row:
    """Findings of any target event one visit ahead: each cause's expected findings, taken one at a time, add up."""
    n = len(outcomes.cause)
    observed = np.isin(outcomes.cause, list(steps)).astype(np.float64)
    expected = sum((np.bincount(each.patient, each.probability, minlength=n) for each in steps.values()), np.zeros(n))
    visits = {pair for each in steps.values() for pair in zip(each.patient.tolist(), each.month.tolist(), strict=True)}
    enough = observed.sum() >= MIN_EVENTS and expected.any()
    return {
        "event": ANY,
        "group": "all",
        "level": "all visits",
        "n": len(visits),
        "observed": int(observed.sum()),
        "expected": float(expected.sum()),
        "ratio": number(ratio(count @ observed, count @ expected)) if enough else None,
    }


def _counted(cohort: Cohort, name: str, who: BoolArray) -> Row:
    cause = cohort.outcomes.cause[who]
    events = {event: int((cause == k).sum()) for k, event in enumerate(cohort.study.event_names, 1)}
    return {"level": name, "n": len(cause), "events": events}
