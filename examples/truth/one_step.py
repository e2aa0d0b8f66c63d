"""One step ahead under other visit plans: detections at each visit, expected by a model that learned under one plan.

The model learns from patients seen as the default plan has it and is asked about fresh patients seen under another.
What it says of each visit's tests is held against what they found. Beside it the landmark Cox model on the day of
finding, which learned from the same patients: its expectation from a landmark to the next, or to the end of follow-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from examples.truth.cohorts import ANY, FRESH_SEED, draw, study_of
from examples.truth.judged import trained
from examples.truth.tables import header, line, with_interval
from model.audit.baselines import landmark_cox
from model.audit.metrics import ratio
from model.audit.out_of_fold import predict_every_visit
from model.audit.resampling import patient_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.truth.cohorts import Known
    from examples.truth.options import Options
    from model.predictor import Predictor
    from model.types import FloatArray

PLANS = ("default", "six-monthly", "yearly", "informative-visits")
LAST_LANDMARK = 60.0


def report(options: Options) -> Iterator[str]:
    """One line per visit plan."""
    judged = trained(study_of("default"), "default", patients=options.patients)
    predictor, learned = judged.predictor, judged.learned
    yield from header(
        "fresh patients seen", "detections", "expected", "observed / expected", "landmark Cox expects", "O/E"
    )
    for plan in PLANS:
        fresh = (
            judged.fresh
            if plan == "default"
            else draw(plan, study_of(plan), patients=options.patients, seed=FRESH_SEED)
        )
        until = LAST_LANDMARK + _spacing(predictor)
        outcomes = fresh.cohort.outcomes
        found = ((outcomes.cause > 0) & (outcomes.cause <= ANY) & (outcomes.exit_month <= until)).astype(np.float64)
        count = patient_weights(len(found), seed=1)
        expected = [by_visits(predictor, fresh, until), by_cox(predictor, learned, fresh)]
        cells = [
            cell
            for each in expected
            for cell in (f"{each.sum():.0f}", with_interval(ratio(count @ found, count @ each), digits=2))
        ]
        yield line(plan, int(found.sum()), *cells)


def by_visits(predictor: Predictor, fresh: Known, until: float) -> FloatArray:
    """Expected detections of any recurrence per patient, visit by visit, (n_patients,)."""
    who = np.arange(len(fresh.histories))
    steps = predict_every_visit(predictor, fresh.histories, fresh.cohort.outcomes, who)
    expected = np.zeros(len(who))
    for each in steps.values():
        early = each.month <= until
        expected += np.bincount(each.patient[early], each.probability[early], minlength=len(who))
    return expected


def by_cox(predictor: Predictor, learned: Known, fresh: Known) -> FloatArray:
    """The same by landmark Cox models on detection times: incidence from each landmark to the next or the own exit."""
    targets = [k - 1 for k in predictor.study.targets]
    months = np.arange(1.0, _spacing(predictor) + 1e-9)
    expected = np.zeros(len(fresh.histories))
    for landmark in predictor.grid.landmark_month[predictor.grid.landmark_month <= LAST_LANDMARK]:
        here, who = learned.followed(landmark), fresh.followed(landmark)
        before, now = (
            predictor.scores(known.histories.select(rows), np.full(len(rows), landmark))
            for known, rows in ((learned, here), (fresh, who))
        )
        outcomes = learned.cohort.outcomes
        risk = landmark_cox(
            before,
            outcomes.exit_month[here] - landmark,
            outcomes.cause[here],
            now,
            n_causes=len(predictor.study.event),
            horizon_months=tuple(months.tolist()),
        )[:, targets].sum(axis=1)
        curve = np.concatenate([np.zeros((len(who), 1)), risk], axis=1)
        stayed = np.minimum(fresh.cohort.outcomes.exit_month[who] - landmark, months[-1])
        before_exit = np.minimum(stayed.astype(np.int64), len(months) - 1)
        rows = np.arange(len(who))
        rise = curve[rows, before_exit + 1] - curve[rows, before_exit]
        expected[who] += curve[rows, before_exit] + rise * (stayed - before_exit)
    return expected


def _spacing(predictor: Predictor) -> float:
    return float(predictor.grid.landmark_month[1] - predictor.grid.landmark_month[0])
