"""The rows of one landmark and horizon: for every event each figure that its number of events can bear."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from model.audit.baselines import ALIKE
from model.audit.decision_curve import THRESHOLDS, net_benefit, net_benefit_of_all
from model.audit.judged import FIGURES, MIN_EVENTS, judge
from model.audit.metrics import observed_incidence, ratio
from model.audit.nonparametric import aalen_johansen
from model.audit.out_of_fold import MODEL
from model.audit.resampling import interval, number, numbers
from model.audit.risk_groups import risk_groups
from model.audit.strata import STRATA

if TYPE_CHECKING:
    from model.audit.judged import Judged
    from model.audit.out_of_fold import LandmarkPredictions
    from model.study.definition import Study
    from model.types import FloatArray, Outcomes

Row = dict[str, Any]

MAX_GROUPS = 5


@dataclass(frozen=True)
class Cell:
    """One cause at one landmark and horizon.

    Attributes
    ----------
    event : its name
    by_test : whether it is found by tests, so that what was seen is a detection and not the onset
    judged : what happened, from the landmark on
    incidence : by model name, (n_rows,) P(the event within the horizon)
    expected_detections : (n_rows,) compensator of the detection; 0 where not found by tests
    """

    event: str
    by_test: bool
    landmark_month: float
    judged: Judged
    incidence: dict[str, FloatArray]
    expected_detections: FloatArray

    @property
    def too_few(self) -> str | None:
        """Why no figure is given, or None."""
        if self.by_test and not self.expected_detections.any():
            return "no visit with a test that sees it"
        return self.judged.too_few

    def row(self, **more: object) -> Row:
        """Say which cell it is and how many it rests on, then the figures."""
        place = {"event": self.event, "landmark": self.landmark_month, "horizon": self.judged.horizon_months}
        return {**place, "n": len(self.judged.case), "events": int(self.judged.case.sum()), **more}


def cells_at(
    study: Study, predictions: LandmarkPredictions, outcomes: Outcomes, count: FloatArray, *, horizon: int
) -> list[Cell]:
    """List the cells of one landmark and one horizon, given by its position in the study.

    outcomes : (n_patients,) of the cohort; count : (1 + n_draws, n_patients)
    """
    who = predictions.patient
    judged = judge(
        outcomes.exit_month[who] - predictions.landmark_month,
        outcomes.cause[who],
        count[:, who],
        n_causes=len(study.event),
        horizon_months=study.horizon_months[horizon],
    )
    return [
        Cell(
            event=event.name,
            by_test=study.found_by_test(k),
            landmark_month=predictions.landmark_month,
            judged=judged[k - 1],
            incidence={name: values[:, k - 1, horizon] for name, values in predictions.incidence.items()},
            expected_detections=predictions.expected_detections[:, k - 1, horizon],
        )
        for k, event in enumerate(study.event, 1)
    ]


def audit_cell(cell: Cell) -> dict[str, list[Row]]:
    """Work out every row of a cell, by the key of the document that it belongs to."""
    if cell.too_few is not None:
        nothing = cell.row(**dict.fromkeys(FIGURES), too_few=cell.too_few)
        return {"by_horizon": [nothing], "conventional": [nothing], "too_few_events": [cell.row(reason=cell.too_few)]}
    draws = {name: _figures(cell, name) for name in cell.incidence}
    conventional = numbers(draws[MODEL])
    oe = number(_detection_oe(cell)) if cell.by_test else conventional["oe"]
    baselines = [
        cell.row(
            name=name,
            **numbers(draws[name]),
            difference={key: number(draws[MODEL][key] - draws[name][key]) for key in ("auc", "brier")},
        )
        for name in draws
        if name != MODEL
    ]
    return {
        "by_horizon": [cell.row(**{**conventional, "oe": oe}, too_few=None)],
        "conventional": [cell.row(**conventional, too_few=None)],
        "baselines": baselines,
        "curves": _curve(cell),
        "decision_curve": _decision_curve(cell),
    }


def _figures(cell: Cell, name: str) -> dict[str, FloatArray]:
    """Every figure of one model under every draw, (1 + n_draws,) each."""
    predicted = cell.incidence[name]
    if name not in (ALIKE, STRATA):
        return cell.judged.figures(predicted)
    # That incidence differs between the folds must not pass for a ranking of those whom a baseline holds to be alike:
    # by chance, a fold with more events is judged by the lower incidence of the others.
    alike = cell.incidence[ALIKE]
    relative = np.divide(predicted, alike, out=np.zeros_like(predicted), where=alike > 0)
    level = np.full_like(predicted, predicted.mean()) if name == ALIKE else predicted
    return cell.judged.figures(predicted, ranked_by=relative, regressed_on=level)


def _detection_oe(cell: Cell) -> FloatArray:
    """Detections that happened over those expected under the visits that happened."""
    count = cell.judged.count
    return ratio(count @ cell.judged.case.astype(np.float64), count @ cell.expected_detections)


def _curve(cell: Cell) -> list[Row]:
    """Predicted against observed by group of predicted risk.

    Exact events: mean predicted incidence against Aalen-Johansen within the group. Found by tests: expected against
    observed detections per patient, under the visits that happened.
    """
    judged, horizon_months = cell.judged, cell.judged.horizon_months
    group = risk_groups(cell.incidence[MODEL], min(MAX_GROUPS, int(judged.case.sum()) // MIN_EVENTS))
    rows = []
    for level in range(int(group.max()) + 1):
        inside = group == level
        count, case = judged.count[:, inside], judged.case[inside]
        if cell.by_test:
            predicted = cell.expected_detections[inside]
            observed = observed_incidence(case, count)
        else:
            predicted = cell.incidence[MODEL][inside]
            months, cause = judged.months_to_exit[inside], judged.cause[inside]
            curve = aalen_johansen(months, cause, of_cause=judged.of_cause, weight=count)
            observed = np.where(count.any(axis=1), curve.at(horizon_months), np.nan)
        low, high = interval(observed)
        counts = {"group": level + 1, "n": int(inside.sum()), "events": int(case.sum())}
        figures = {"predicted": float(predicted.mean()), "observed": float(observed[0]), "low": low, "high": high}
        rows.append({**cell.row(), **counts, **figures})
    return rows


def _decision_curve(cell: Cell) -> list[Row]:
    """Net benefit of acting as the model, everybody, nobody or the published strata would have it, without intervals.

    The strata are None if the study names none; any is None where it is unknown.
    """
    judged = replace(cell.judged, count=cell.judged.count[:1])
    observed = observed_incidence(judged.case, judged.weight)[0]

    def of(name: str, threshold: float) -> float | None:
        if name not in cell.incidence:
            return None
        value = float(net_benefit(cell.incidence[name], judged, threshold=threshold)[0])
        return value if math.isfinite(value) else None

    return [
        cell.row(
            threshold=threshold,
            model=of(MODEL, threshold),
            all=float(net_benefit_of_all(observed, threshold=threshold)),
            none=0.0,
            guideline=of(STRATA, threshold),
        )
        for threshold in THRESHOLDS
    ]
