"""The chance that a visit that took place finds what has begun: what can be held against what was really found.

A beginning is never seen, a test result is. So the hazards of beginning and the sensitivities of the tests are turned
into the probability that the tests of a visit find the cause, given that no test found it before. Summed over a
patient's visits these probabilities are the compensator of the detection: whatever recorded history decided when visits
took place and which tests were done, observed detections minus this sum is zero on average if the model is right (a
martingale).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from model.features import at_landmark
from model.landmarks import at_risk
from model.onset.growth import seen_by_pace
from model.onset.hazard import log_hazard
from model.onset.likelihood import past_hazard
from model.onset.observation import Ending, result_likelihood
from model.onset.posterior import first_beginning
from model.onset.presence import Readings
from model.types import NOT_DONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.onset.growth import Growth
    from model.onset.hazard import Parameters
    from model.onset.missing import Baselines
    from model.onset.presence import Presence
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.types import FloatArray, Histories, IntArray


@dataclass(frozen=True)
class Markers:
    """What the markers of some patients say at each landmark about one cause.

    Attributes
    ----------
    readings : (n_rows,) of landmark rows
    row_of : (n_patients, n_landmarks) the row of a patient's landmark
    landmark_month : (n_landmarks,)
    """

    presence: Presence
    readings: Readings
    row_of: IntArray
    landmark_month: FloatArray

    def factors(self, who: IntArray, month: FloatArray, beginning: FloatArray, growth: Growth) -> FloatArray:
        """Multiply the odds of patients at a month, by their latest landmark, (n_who, n_paces, n_bins)."""
        landmark = np.searchsorted(self.landmark_month, month) - 1
        readings = self.readings.select(self.row_of[who, np.maximum(landmark, 0)])
        return self.presence.factors(readings, beginning, growth)


@dataclass(frozen=True)
class OnsetMass:
    """Where an onset of one cause may lie, for patients in whom nothing was found by `from_month`.

    Attributes
    ----------
    from_month : results up to here are already weighed in
    start, width : (n_bins,) months since the origin; the bins join without gaps
    mass : (n_patients, n_paces, n_bins) probability, up to a factor per patient, of beginning in that bin at that pace
    never : (n_patients,) that it begins after the last bin, up to the same factor
    growth : of the patients
    markers : still to be weighed in, by the latest landmark before each visit
    """

    from_month: float
    start: FloatArray
    width: FloatArray
    mass: FloatArray
    never: FloatArray
    growth: Growth
    markers: Markers | None = None


@dataclass(frozen=True)
class DetectionSteps:
    """Visits with a test that sees the cause, up to and including the one at which follow-up ended.

    Attributes
    ----------
    patient : (n_steps,)
    month : (n_steps,) since the origin
    probability : (n_steps,) P(the tests done there find the cause | none found it before)
    """

    patient: IntArray
    month: FloatArray
    probability: FloatArray

    @classmethod
    def join(cls, parts: Sequence[DetectionSteps]) -> Self:
        """Put the steps of several groups of patients together."""
        return cls(
            np.concatenate([part.patient for part in parts]),
            np.concatenate([part.month for part in parts]),
            np.concatenate([part.probability for part in parts]),
        )

    def of_patients(self, patient: IntArray) -> DetectionSteps:
        """Number the patients by another list, (n_patients,), of which these were a selection."""
        return DetectionSteps(patient[self.patient], self.month, self.probability)


def onset_seen_from(predictor: Predictor, histories: Histories, landmark_month: float) -> dict[int, OnsetMass]:
    """Onset of every cause found by tests, as seen from one landmark: nothing recorded later is used.

    Before the landmark: the posterior given the results so far. After it: the hazards that the delivered forecast has.
    """
    now = np.full(len(histories), landmark_month)
    grid, baselines = predictor.grid, predictor.baselines(histories)
    so_far = grid.until(landmark_month)
    past_landmark = grid.landmark_month[grid.landmark_month <= landmark_month]
    past_scores, row_of, _ = _scores_at(predictor, histories, baselines, past_landmark, now)
    features = at_landmark(predictor.study, histories, np.arange(len(histories)), now)
    scores = predictor.scaling.apply(features, baselines.expected)
    readings = Readings.of(features, scores, predictor.features, predictor.scaling, now)
    edge = grid.risk_month
    n_past = int(np.searchsorted(grid.onset_edge, landmark_month - 1e-9))
    start = np.concatenate([grid.onset_edge[:n_past], landmark_month + grid.risk_month[:-1]])
    end = np.append(start[1:], landmark_month + grid.risk_month[-1])
    found = {}
    for cause in _found_by_tests(predictor.study):
        fitted = predictor.causes[cause - 1]
        growth = predictor.pace_rules[cause - 1].growth(baselines)
        results = result_likelihood(predictor.study, histories, so_far, growth, Ending.nothing_found(now), cause=cause)
        past = past_hazard(_past(predictor, cause), past_scores, so_far, row_of)
        density, none = first_beginning(past, results.width)
        before = density[:, None, :n_past] * results.by_pace[:, :, :n_past]
        if fitted.presence is not None:
            before = before * fitted.presence.best.factors(readings, grid.onset_middle[:n_past], growth)
        log_rate = log_hazard(fitted.hazard.best, scores, predictor.fading, grid, landmark_month=now, past_edge=edge)
        after, never = first_beginning(np.exp(log_rate), np.diff(grid.risk_month))
        after = np.broadcast_to((none[:, None] * after)[:, None], (len(now), before.shape[1], after.shape[1]))
        mass = np.concatenate([before, after], axis=2) * growth.share[:, None]
        found[cause] = OnsetMass(landmark_month, start, end - start, mass, none * never, growth)
    return found


def onset_seen_from_each_landmark(
    predictor: Predictor, histories: Histories, exit_month: FloatArray
) -> dict[int, OnsetMass]:
    """Onset of every cause found by tests on the whole clock, each stretch as seen from the latest landmark before it.

    No test result is weighed in yet: `detection_steps` does so visit by visit.
    """
    grid, baselines = predictor.grid, predictor.baselines(histories)
    scores, row_of, readings = _scores_at(predictor, histories, baselines, grid.landmark_month, exit_month)
    width = np.diff(grid.onset_edge)
    found = {}
    for cause in _found_by_tests(predictor.study):
        hazard = past_hazard(_past(predictor, cause), scores, grid, row_of)
        density, never = first_beginning(hazard, width)
        growth = predictor.pace_rules[cause - 1].growth(baselines)
        mass = density[:, None] * growth.share[:, None]
        presence = predictor.causes[cause - 1].presence
        markers = None if presence is None else Markers(presence.best, readings, row_of, grid.landmark_month)
        found[cause] = OnsetMass(0.0, grid.onset_edge[:-1], width, mass, never, growth, markers)
    return found


def detection_steps(
    study: Study, histories: Histories, exit_month: FloatArray, onset: OnsetMass, *, cause: int
) -> DetectionSteps:
    """Go through the visits after `onset.from_month`: the chance to find the cause, then what finding nothing means.

    Parameters
    ----------
    histories, exit_month : (n_patients, ...) with every visit; all patients are followed beyond `onset.from_month`
    onset : as seen before these visits; visits after its last bin are not predicted and left out

    Notes
    -----
    Every negative test of the cause multiplies the mass of what began u months back by 1 - sensitivity(u). Causes are
    taken one at a time, as they are fitted. A visit without a test of ours that sees the cause adds no expectation.
    """
    event = study.event_names[cause - 1]
    tests = [(index, test.sees[event]) for index, test in enumerate(study.test) if event in test.sees]
    last = np.minimum(exit_month, onset.start[-1] + onset.width[-1])
    mass = onset.mass.copy()
    steps = [(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))]
    for visit in range(histories.visit_month.shape[1]):
        month = histories.visit_month[:, visit]
        done = histories.test[:, visit] != NOT_DONE
        able = done[:, [index for index, _ in tests]].any(axis=1)
        who = np.flatnonzero(able & (month > onset.from_month) & (month <= last))
        begun = np.searchsorted(onset.start, month[who].max(initial=0.0))  # later bins are still to come for all
        share, since = _share_before(month[who], onset.start[:begun], onset.width[:begun])
        missed = np.ones((len(who), mass.shape[1], begun))
        for index, sees in tests:
            here = done[who, index]
            growth = onset.growth.select(who[here])
            missed[here] *= 1.0 - seen_by_pace(sees, growth, since[here], months_per_unit=study.months_per_unit)
        seen = share[:, None] * (1.0 - missed)
        here = mass[who, :, :begun]
        weighed = here
        if onset.markers is not None:
            middle = onset.start[:begun] + onset.width[:begun] / 2
            weighed = here * onset.markers.factors(who, month[who], middle, onset.growth.select(who))
        still_possible = weighed.sum(axis=(1, 2)) + mass[who, :, begun:].sum(axis=(1, 2)) + onset.never[who]
        steps.append((who, month[who], (weighed * seen).sum(axis=(1, 2)) / still_possible))
        mass[who, :, :begun] -= here * seen
    patient, month, probability = (np.concatenate(parts) for parts in zip(*steps, strict=True))
    return DetectionSteps(patient, month, probability)


def _found_by_tests(study: Study) -> list[int]:
    return [cause for cause in range(1, len(study.event) + 1) if study.found_by_test(cause)]


def _past(predictor: Predictor, cause: int) -> Parameters:
    """Hazard of what has begun by a landmark; there is one for every cause found by tests."""
    fitted = predictor.causes[cause - 1].past
    if fitted is None:
        raise ValueError(f"cause {cause} is not found by tests")
    return fitted.best


def _scores_at(
    predictor: Predictor,
    histories: Histories,
    baselines: Baselines,
    landmark_month: FloatArray,
    exit_month: FloatArray,
) -> tuple[FloatArray, IntArray, Readings]:
    """Scores at the landmarks that patients reach, which row is whose, (n_patients, n_landmarks), and the markers."""
    rows = at_risk(landmark_month, np.nextafter(exit_month, np.inf))
    features = at_landmark(predictor.study, histories, rows.patient, rows.landmark_month)
    row_of = np.zeros((len(histories), len(predictor.grid.landmark_month)), dtype=np.int64)
    row_of[rows.patient, rows.landmark] = np.arange(len(rows.patient))
    scores = predictor.scaling.apply(features, baselines.expected[rows.patient])
    return scores, row_of, Readings.of(features, scores, predictor.features, predictor.scaling, rows.landmark_month)


def _share_before(month: FloatArray, start: FloatArray, width: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share of each bin's onsets before a visit and how long ago those are on average, both (n_visits, n_bins)."""
    past = np.clip(month[:, None] - start, 0.0, width)
    return past / width, month[:, None] - start - past / 2
