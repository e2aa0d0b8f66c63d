"""The rows of one landmark and horizon: for every event each figure that its number of events can bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model.audit.baselines import ALIKE
from model.audit.calibration import intercept_and_slope
from model.audit.metrics import (
    brier_of_everyone_alike,
    brier_score,
    cumulative_dynamic_auc,
    observed_incidence,
    observed_over_expected,
    scaled_brier,
)
from model.audit.nonparametric import aalen_johansen, censoring_survival
from model.audit.out_of_fold import MODEL
from model.audit.resampling import interval, number
from model.audit.risk_groups import risk_groups
from model.audit.smooth_calibration import smooth_calibration
from model.audit.strata import STRATA
from model.audit.weights import ipc_weights

if TYPE_CHECKING:
    from model.audit.nonparametric import StepCurve
    from model.audit.out_of_fold import LandmarkPredictions
    from model.study import Study
    from model.types import BoolArray, FloatArray, IntArray, Outcomes

Row = dict[str, Any]

# Below either of these no figure is given: an interval from fewer would look like knowledge.
MIN_EVENTS = 10
MIN_FOLLOWED = 10
MAX_GROUPS = 5
FIGURES = ("brier", "brier_null", "ipa", "auc", "oe", "intercept", "slope", "ici", "e50", "e90")


@dataclass(frozen=True)
class Cell:
    """One cause at one landmark and horizon.

    Attributes
    ----------
    event : its name
    of_cause : 1..K
    by_test : whether it is found by tests, so that what was seen is a detection and not the onset
    n_followed : rows still followed after the horizon
    months_to_exit, cause : (n_rows,) from the landmark
    case : (n_rows,) whether this cause ended follow-up within the horizon
    count : (1 + n_draws, n_rows) how often each patient counts
    censoring : G(t) of these rows under each of these counts
    weight : (1 + n_draws, n_rows) the same times the inverse probability of censoring weights
    incidence : by model name, (n_rows,) P(the event within the horizon)
    expected_detections : (n_rows,) compensator of the detection; 0 where not found by tests
    """

    event: str
    of_cause: int
    by_test: bool
    landmark_month: float
    horizon_months: float
    n_followed: int
    months_to_exit: FloatArray
    cause: IntArray
    case: BoolArray
    count: FloatArray
    censoring: StepCurve
    weight: FloatArray
    incidence: dict[str, FloatArray]
    expected_detections: FloatArray

    @property
    def too_few(self) -> str | None:
        """Why no figure is given, or None."""
        if self.by_test and not self.expected_detections.any():
            return "no visit with a test that sees it"
        if self.case.sum() < MIN_EVENTS:
            return f"too few events ({self.case.sum()})"
        return f"too few still followed ({self.n_followed})" if self.n_followed < MIN_FOLLOWED else None

    def row(self, **more: object) -> Row:
        """Say which cell it is and how many it rests on, then the figures."""
        place = {"event": self.event, "landmark": self.landmark_month, "horizon": self.horizon_months}
        return {**place, "n": len(self.case), "events": int(self.case.sum()), **more}


def cells_at(
    study: Study, predictions: LandmarkPredictions, outcomes: Outcomes, count: FloatArray, *, horizon: int
) -> list[Cell]:
    """List the cells of one landmark and one horizon, given by its position in the study.

    outcomes : (n_patients,) of the cohort; count : (1 + n_draws, n_patients)
    """
    who, horizon_months = predictions.patient, study.horizon_months[horizon]
    months, cause = outcomes.exit_month[who] - predictions.landmark_month, outcomes.cause[who]
    count = count[:, who]
    censoring = censoring_survival(months, cause, count)
    weight = count * ipc_weights(months, cause, horizon_months=horizon_months, censoring=censoring)
    return [
        Cell(
            event=event.name,
            of_cause=k,
            by_test=study.found_by_test(k),
            landmark_month=predictions.landmark_month,
            horizon_months=horizon_months,
            n_followed=int((months > horizon_months).sum()),
            months_to_exit=months,
            cause=cause,
            case=(cause == k) & (months <= horizon_months),
            count=count,
            censoring=censoring,
            weight=weight,
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
    conventional = _numbers(draws[MODEL])
    oe = number(_detection_oe(cell)) if cell.by_test else conventional["oe"]
    baselines = [
        cell.row(
            name=name,
            **_numbers(draws[name]),
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
    }


def _figures(cell: Cell, name: str) -> dict[str, FloatArray]:
    """Every figure of one model under every draw, (1 + n_draws,) each."""
    predicted, case, weight = cell.incidence[name], cell.case, cell.weight
    brier, brier_null = brier_score(predicted, case, weight), brier_of_everyone_alike(case, weight)
    # That incidence differs between the folds must not pass for a ranking of those whom a baseline holds to be alike:
    # by chance, a fold with more events is judged by the lower incidence of the others.
    alike = cell.incidence[ALIKE]
    relative = np.divide(predicted, alike, out=np.zeros_like(predicted), where=alike > 0)
    plotted = np.full_like(predicted, predicted.mean()) if name == ALIKE else predicted
    intercept, slope = intercept_and_slope(plotted, case, weight)
    curve = smooth_calibration(
        plotted,
        cell.months_to_exit,
        cell.cause,
        cell.count,
        of_cause=cell.of_cause,
        horizon_months=cell.horizon_months,
        censoring=cell.censoring,
    )
    return {
        "brier": brier,
        "brier_null": brier_null,
        "ipa": scaled_brier(brier, brier_null),
        "auc": cumulative_dynamic_auc(relative if name in (ALIKE, STRATA) else predicted, case, weight),
        "oe": observed_over_expected(predicted, observed_incidence(case, weight), cell.count),
        "intercept": intercept,
        "slope": slope,
        "ici": curve.ici,
        "e50": curve.e50,
        "e90": curve.e90,
    }


def _detection_oe(cell: Cell) -> FloatArray:
    """Detections that happened over those expected under the visits that happened."""
    detected = cell.count @ cell.case.astype(np.float64)
    return detected / (cell.count @ cell.expected_detections)


def _numbers(draws: dict[str, FloatArray]) -> Row:
    """Turn each into its figure and interval, or None where it does not exist."""
    return {key: number(value) if np.isfinite(value[0]) else None for key, value in draws.items()}


def _curve(cell: Cell) -> list[Row]:
    """Predicted against observed by group of predicted risk.

    Exact events: mean predicted incidence against Aalen-Johansen within the group. Found by tests: expected against
    observed detections per patient, under the visits that happened.
    """
    group = risk_groups(cell.incidence[MODEL], min(MAX_GROUPS, int(cell.case.sum()) // MIN_EVENTS))
    rows = []
    for level in range(int(group.max()) + 1):
        inside = group == level
        count, case = cell.count[:, inside], cell.case[inside]
        if cell.by_test:
            predicted = cell.expected_detections[inside]
            observed = observed_incidence(case, count)
        else:
            predicted = cell.incidence[MODEL][inside]
            months, cause = cell.months_to_exit[inside], cell.cause[inside]
            curve = aalen_johansen(months, cause, of_cause=cell.of_cause, weight=count)
            observed = np.where(count.any(axis=1), curve.at(cell.horizon_months), np.nan)
        low, high = interval(observed)
        counts = {"group": level + 1, "n": int(inside.sum()), "events": int(case.sum())}
        figures = {"predicted": float(predicted.mean()), "observed": float(observed[0]), "low": low, "high": high}
        rows.append({**cell.row(), **counts, **figures})
    return rows
