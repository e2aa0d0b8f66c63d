"""Does it hold in each kind of patients: observed over expected by subgroup, with all comparisons borne in mind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from model.audit.judged import MIN_EVENTS, MIN_FOLLOWED
from model.audit.metrics import ratio
from model.audit.multiplicity import chance_of_count, holm
from model.audit.nonparametric import aalen_johansen
from model.audit.one_step import observed_and_expected
from model.audit.out_of_fold import MODEL
from model.audit.resampling import LEVELS, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from model.audit.detection import DetectionSteps
    from model.audit.groupings import Grouping
    from model.audit.out_of_fold import LandmarkPredictions
    from model.audit.resampling import Number
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Outcomes

Row = dict[str, Any]


@dataclass(frozen=True)
class Compared:
    """One event in some patients.

    Attributes
    ----------
    n, events : how many patients, and how many of them had it
    expected : how many were expected to
    draws : (1 + n_draws,) of observed over expected
    too_few : why no figure is given, or None
    """

    n: int
    events: int
    expected: float
    draws: FloatArray
    too_few: str | None


def audit_subgroups(
    study: Study,
    groupings: Sequence[Grouping],
    *,
    steps: Mapping[int, Sequence[DetectionSteps]],
    predictions: Sequence[LandmarkPredictions],
    outcomes: Outcomes,
    count: FloatArray,
) -> list[Row]:
    """Compare observed with expected events of every cause in every level of every grouping.

    Parameters
    ----------
    groupings : (n_patients,) of the same patients
    steps : by cause found by tests, the predicted visits of every fold
    predictions : of the audited landmarks
    outcomes : (n_patients,); count : (1 + n_draws, n_patients)

    Notes
    -----
    Causes found by tests: one step ahead, which is right under any plan of visits that goes by recorded history.
    Others: Aalen-Johansen over mean prediction, at the landmark and horizon with most events. No figure is given where
    neither the observed nor the expected events reach MIN_EVENTS: none where thirty are expected is a finding.
    `p_adjusted` is Holm's over all rows that have a figure.
    """
    rows = []
    for cause, event in enumerate(study.event_names, 1):
        if study.found_by_test(cause):
            place: Row = {"landmark": None, "horizon": None}
            compare = _one_step(steps[cause], outcomes, count, cause)
        else:
            at, horizon = _fullest(study, predictions, outcomes, cause)
            place = {"landmark": at.landmark_month, "horizon": study.horizon_months[horizon]}
            compare = _by_horizon(study, at, outcomes, count, cause=cause, horizon=horizon)
        rows += [
            _row(event, grouping, level, compare(grouping.of_patient == level), place)
            for grouping in groupings
            for level in range(len(grouping.levels))
        ]
    judged = [row for row in rows if row["too_few"] is None]
    chances = [chance_of_count(row["events"], row["expected"]) for row in judged]
    for row, chance, adjusted in zip(judged, chances, holm(np.array(chances)).tolist(), strict=True):
        row |= {"p_value": chance, "p_adjusted": adjusted}
    return rows


def _row(event: str, grouping: Grouping, level: int, compared: Compared, place: Row) -> Row:
    return {
        "event": event,
        "group": grouping.name,
        "label": grouping.label,
        "level": grouping.levels[level],
        **place,
        "n": compared.n,
        "events": compared.events,
        "expected": compared.expected,
        "ratio": _with_interval(compared) if compared.too_few is None else None,
        "too_few": compared.too_few,
        "p_value": None,
        "p_adjusted": None,
    }


def _with_interval(compared: Compared) -> Number:
    """Of no event at all every draw says the same: its interval is the exact one of a Poisson number."""
    if compared.events:
        return number(compared.draws)
    return {"value": 0.0, "low": 0.0, "high": float(chi2.ppf(LEVELS[1], 2)) / 2 / compared.expected}


def _one_step(
    parts: Sequence[DetectionSteps], outcomes: Outcomes, count: FloatArray, cause: int
) -> Callable[[BoolArray], Compared]:
    observed, expected = observed_and_expected(cause, parts, outcomes)

    def compare(inside: BoolArray) -> Compared:
        events, total = int(observed[inside].sum()), float(expected[inside].sum())
        few = None if total > 0 else "no visit with a test that sees it"
        drawn = count[:, inside]
        draws = ratio(drawn @ observed[inside], drawn @ expected[inside])
        return Compared(int(inside.sum()), events, total, draws, few or _too_few(events, total))

    return compare


def _by_horizon(
    study: Study, at: LandmarkPredictions, outcomes: Outcomes, count: FloatArray, *, cause: int, horizon: int
) -> Callable[[BoolArray], Compared]:
    months, how = outcomes.exit_month[at.patient] - at.landmark_month, outcomes.cause[at.patient]
    predicted, until = at.incidence[MODEL][:, cause - 1, horizon], study.horizon_months[horizon]

    def compare(everybody: BoolArray) -> Compared:
        inside = everybody[at.patient]
        drawn, here = count[:, at.patient[inside]], predicted[inside]
        events = int(((how == cause) & (months <= until))[inside].sum())
        followed = int((months[inside] > until).sum())
        if followed < MIN_FOLLOWED:
            few = f"too few still followed ({followed})"
            return Compared(int(inside.sum()), events, float(here.sum()), np.full(len(count), np.nan), few)
        observed = aalen_johansen(months[inside], how[inside], of_cause=cause, weight=drawn).at(until)
        draws = ratio(observed * drawn.sum(axis=1), drawn @ here)
        # As many events as were seen would be this many times too many, so many are expected among those followed.
        expected = events / float(draws[0]) if events else float(here.sum())
        return Compared(int(inside.sum()), events, expected, draws, _too_few(events, expected))

    return compare


def _fullest(
    study: Study, predictions: Sequence[LandmarkPredictions], outcomes: Outcomes, cause: int
) -> tuple[LandmarkPredictions, int]:
    """The landmark and the horizon with most events of a cause by which enough are still followed."""

    def events(place: tuple[LandmarkPredictions, int]) -> int:
        at, horizon = place
        months = outcomes.exit_month[at.patient] - at.landmark_month
        within = months <= study.horizon_months[horizon]
        enough = (~within).sum() >= MIN_FOLLOWED
        return int((within & (outcomes.cause[at.patient] == cause)).sum()) if enough else -1

    return max(((at, k) for at in predictions for k in range(len(study.horizon_months))), key=events)


def _too_few(events: int, expected: float) -> str | None:
    if max(events, expected) >= MIN_EVENTS:
        return None
    return f"too few events ({events}, {expected:.1f} expected)"
