"""What the model expected and what happened, look by look: a visit, or a stretch of follow-up for what is always seen.

Events found by tests are judged at the visits that took place (`model.audit.detection`). Events whose time is known,
such as death, are judged all the time: the hazard added up over follow-up is what was expected. Either way what
happened minus what was expected is zero on average if the model is right, whoever was seen when and for how long, so
unfinished follow-up needs no correction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from model.audit.detection import onset_seen_from, onset_seen_from_each_landmark
from model.audit.named import named_detections
from model.features import at_landmark
from model.landmarks import LandmarkRows, at_risk
from model.monitoring.quarters import first_day, month_of, quarter_of
from model.onset.hazard import log_hazard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.audit.detection import DetectionSteps, OnsetMass
    from model.monitoring.watched import Watched
    from model.predictor import Predictor
    from model.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Looks:
    """One row per look at a patient for one event.

    Attributes
    ----------
    patient : (n_looks,)
    month : (n_looks,) of the visit; of a stretch, its beginning
    expected : (n_looks,) how many were expected: the chance that the visit's tests find it, or the hazard added up
    found : (n_looks,) whether it was found at this visit, or happened in this stretch
    beside : (n_looks,) whether it ended follow-up where none of our tests that sees it was done: nothing was expected
    awaiting : (n_looks,) whether it may yet turn out to have been found at this visit
    visit : (n_looks,) whether this is a visit with a test that sees it
    """

    patient: IntArray
    month: FloatArray
    expected: FloatArray
    found: BoolArray
    beside: BoolArray
    awaiting: BoolArray
    visit: BoolArray

    def __len__(self) -> int:
        """Count the looks."""
        return len(self.patient)

    @classmethod
    def join(cls, parts: Sequence[Looks]) -> Self:
        """Put looks together."""
        return cls(**{name: np.concatenate([getattr(each, name) for each in parts]) for name in vars(parts[0])})

    def select(self, kept: BoolArray) -> Self:
        """Keep some of the looks."""
        return type(self)(**{name: value[kept] for name, value in vars(self).items()})

    def within(self, end_month: FloatArray) -> Self:
        """Keep what lies before a month of each patient's clock, (n_patients,), or happened at it."""
        end = end_month[self.patient]
        return self.select((self.month < end) | ((self.month == end) & (self.visit | self.beside)))


def looks_one_step_ahead(predictor: Predictor, watched: Watched) -> list[Looks]:
    """Look at every patient from the latest landmark before each moment; one table per event of the study.

    Stretches of follow-up are cut where a calendar quarter begins.
    """
    grid = predictor.grid
    watched = watched.until(float(grid.onset_edge[-1]))
    onset = onset_seen_from_each_landmark(predictor, watched.histories, watched.ended.exit_month)
    rows = at_risk(grid.landmark_month, watched.ended.exit_month)
    following = np.append(grid.landmark_month[1:], grid.onset_edge[-1])
    end = np.minimum(following[rows.landmark], watched.ended.exit_month[rows.patient])
    first = quarter_of(watched.day(rows.patient, rows.landmark_month))
    n_quarters = quarter_of(watched.day(rows.patient, end)) - first
    quarter = first[:, None] + np.arange(1, n_quarters.max(initial=0) + 1)
    cuts = month_of(watched.origin_day[rows.patient][:, None], first_day(quarter))
    return _looks(predictor, watched, onset, _Stretches(rows, end, cuts))


def looks_from_landmark(
    predictor: Predictor, watched: Watched, landmark_month: float, *, among: BoolArray
) -> list[Looks]:
    """Look, from one landmark, at the patients at risk there, up to the longest horizon; one table per event.

    Stretches of follow-up are cut at the horizons. Only those `among` the patients, (n_patients,), are looked at.
    """
    horizons = landmark_month + np.array(predictor.study.horizon_months)
    who = np.flatnonzero(among & (watched.ended.exit_month > landmark_month))
    here = watched.select(who).until(float(horizons[-1]))
    onset = onset_seen_from(predictor, here.histories, landmark_month)
    rows = at_risk(np.array([landmark_month]), here.ended.exit_month)
    cuts = np.broadcast_to(horizons, (len(who), len(horizons)))
    found = _looks(predictor, here, onset, _Stretches(rows, here.ended.exit_month, cuts))
    return [replace(each, patient=who[each.patient]) for each in found]


def looks_for_any(causes: Sequence[int], looks: Sequence[Looks]) -> Looks:
    """Put the looks for several events together; a visit counts once, however many of them its tests see."""
    every = Looks.join([looks[cause - 1] for cause in causes])
    at_visit = np.flatnonzero(every.visit)
    _, first = np.unique(np.stack([every.patient[at_visit], every.month[at_visit]]), axis=1, return_index=True)
    visit = np.zeros_like(every.visit)
    visit[at_visit[first]] = True
    return replace(every, visit=visit)


@dataclass(frozen=True)
class _Stretches:
    """Follow-up as seen from landmarks.

    Attributes
    ----------
    rows : the landmarks
    end_month : (n_rows,) where what is seen from each ends
    cut_month : (n_rows, n_cuts) ascending, where it is cut
    """

    rows: LandmarkRows
    end_month: FloatArray
    cut_month: FloatArray


def _looks(predictor: Predictor, watched: Watched, onset: dict[int, OnsetMass], stretches: _Stretches) -> list[Looks]:
    named = named_detections(predictor.study, watched.histories, watched.ended.exit_month, onset)
    return [
        _at_visits(watched, named[cause], cause, from_month=onset[cause].from_month)
        if predictor.study.found_by_test(cause)
        else _in_stretches(predictor, watched, stretches, cause)
        for cause in range(1, len(predictor.study.event) + 1)
    ]


def _at_visits(watched: Watched, steps: DetectionSteps, cause: int, *, from_month: float) -> Looks:
    ended = watched.ended
    last = steps.month == ended.exit_month[steps.patient]
    found = last & (ended.cause[steps.patient] == cause)
    seen = np.zeros(len(watched), dtype=bool)
    seen[steps.patient[found]] = True
    apart = np.flatnonzero((ended.cause == cause) & ~seen & (ended.exit_month > from_month))
    visit = np.arange(len(steps.patient) + len(apart)) < len(steps.patient)
    no = np.zeros(len(apart), dtype=bool)
    return Looks(
        patient=np.append(steps.patient, apart),
        month=np.append(steps.month, ended.exit_month[apart]),
        expected=np.append(steps.probability, no),
        found=np.append(found, no),
        beside=~visit,
        awaiting=np.append(last & watched.awaiting[steps.patient, cause - 1], no),
        visit=visit,
    )


def _in_stretches(predictor: Predictor, watched: Watched, stretches: _Stretches, cause: int) -> Looks:
    """Add up the hazard of every piece of follow-up."""
    rows, ended = stretches.rows, watched.ended
    start, end = rows.landmark_month[:, None], stretches.end_month[:, None]
    edge = np.concatenate([start, np.clip(stretches.cut_month, start, end), end], axis=1)
    expected = np.diff(_hazard_until(predictor, watched, rows, edge - start, cause), axis=1)
    row, piece = np.nonzero(np.diff(edge, axis=1) > 0)
    patient = rows.patient[row]
    never = np.zeros(len(row), dtype=bool)
    return Looks(
        patient=patient,
        month=edge[row, piece],
        expected=expected[row, piece],
        found=(ended.cause[patient] == cause) & (edge[row, piece + 1] == ended.exit_month[patient]),
        beside=never,
        awaiting=never,
        visit=never,
    )


def _hazard_until(
    predictor: Predictor, watched: Watched, rows: LandmarkRows, months_past: FloatArray, cause: int
) -> FloatArray:
    """Hazard added up from each row's landmark until moments past it, both (n_rows, n_moments)."""
    histories, grid = watched.histories, predictor.grid
    features = at_landmark(predictor.study, histories, rows.patient, rows.landmark_month)
    scores = predictor.scaling.apply(features, predictor.baselines(histories).expected[rows.patient])
    best, edge = predictor.causes[cause - 1].hazard.best, grid.risk_month
    rate = np.exp(log_hazard(best, scores, predictor.fading, grid, landmark_month=rows.landmark_month, past_edge=edge))
    curve = np.concatenate([np.zeros((len(rate), 1)), np.cumsum(rate * np.diff(edge), axis=1)], axis=1)
    place = months_past / edge[1]
    before = np.clip(place.astype(np.int64), 0, len(edge) - 2)
    share = place - before
    lower, upper = (np.take_along_axis(curve, before + more, axis=1) for more in (0, 1))
    return np.asarray(lower * (1 - share) + upper * share)
