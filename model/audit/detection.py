"""The chance that a visit that took place finds what has begun: what can be held against what was really found.

A beginning is never seen, a test result is. So the hazards of beginning and the sensitivities of the tests are turned
into the probability that the tests of a visit find the cause, given that no test found it before. Summed over a
patient's visits these probabilities are the compensator of the detection: whatever recorded history decided when visits
took place and which tests were done, observed detections minus this sum is zero on average if the model is right (a
martingale).
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Self

import numpy as np

from model.features import at_landmark
from model.landmarks import at_risk
from model.onset.growth import seen_by_pace
from model.onset.likelihood import past_hazard
from model.onset.outlook import begun_by_cause
from model.onset.posterior import first_beginning
from model.onset.presence import Readings
from model.onset.together import Together
from model.types import NOT_DONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model.onset.growth import Growth
    from model.onset.hazard import Parameters
    from model.onset.missing import Baselines
    from model.onset.presence import Presence
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray


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
    now, grid = np.full(len(histories), landmark_month), predictor.grid
    situation = predictor.situation(histories, now)
    n_past = int(np.searchsorted(grid.onset_edge, landmark_month - 1e-9))
    start = np.concatenate([grid.onset_edge[:n_past], landmark_month + grid.risk_month[:-1]])
    end = np.append(start[1:], landmark_month + grid.risk_month[-1])
    by_test = _found_by_tests(predictor.study)
    begun = [predictor.begun(situation, cause) for cause in by_test]
    found = {}
    for cause, of, before in zip(by_test, begun, begun_by_cause(begun), strict=True):
        none = 1.0 - before.sum(axis=(1, 2))
        hazard = predictor.hazard_to_come(situation, cause, attrgetter("best"))
        after, never = first_beginning(hazard, np.diff(grid.risk_month))
        after = (none[:, None] * after)[:, None] * of.share[..., None]
        mass = np.concatenate([before[:, :, :n_past], after], axis=2)
        found[cause] = OnsetMass(landmark_month, start, end - start, mass, none * never, of.results.growth)
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
    study: Study, histories: Histories, exit_month: FloatArray, onset: Mapping[int, OnsetMass]
) -> dict[int, DetectionSteps]:
    """Go through the visits after `from_month`: the chance to find each cause, then what finding nothing means.

    Parameters
    ----------
    histories, exit_month : (n_patients, ...) with every visit; all patients are followed beyond `from_month`
    onset : by cause, as seen before these visits; visits after its last bin are not predicted and left out

    Notes
    -----
    Every negative test of a cause multiplies the mass of what began u months back by 1 - sensitivity(u). Markers are
    explained by all causes together. A visit without a test of ours that sees the cause adds no expectation.
    """
    mass = {cause: seen.mass.copy() for cause, seen in onset.items()}
    steps = {cause: [(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))] for cause in onset}
    for visit in _visits(study, histories, exit_month, onset):
        looks = [_look(study, cause, seen, mass[cause], visit) for cause, seen in onset.items()]
        none, there, told, by_results, by_markers = (np.stack(each, axis=1) for each in zip(*looks, strict=True))
        chance = Together.of(none, there, told).chance(by_results, by_markers)
        for place, cause in enumerate(onset):
            able = visit.done[:, _tests_for(study, cause)].any(axis=1)
            steps[cause].append((visit.who[able], visit.month[able], chance[able, place]))
    return {
        cause: DetectionSteps(*(np.concatenate(part) for part in zip(*parts, strict=True)))
        for cause, parts in steps.items()
    }


@dataclass(frozen=True)
class _Visit:
    """Patients who are seen, (n_who,), when, (n_who,), and the tests done there, (n_who, n_tests)."""

    who: IntArray
    month: FloatArray
    done: BoolArray


def _visits(
    study: Study, histories: Histories, exit_month: FloatArray, onset: Mapping[int, OnsetMass]
) -> Iterator[_Visit]:
    """Everybody's first visit with a test that sees one of the causes, everybody's second, ..."""
    if not onset:
        return
    first = next(iter(onset.values()))  # they all have the same bins
    last = np.minimum(exit_month, first.start[-1] + first.width[-1])
    tests = sorted({index for cause in onset for index in _tests_for(study, cause)})
    for number in range(histories.visit_month.shape[1]):
        month, done = histories.visit_month[:, number], histories.test[:, number] != NOT_DONE
        who = np.flatnonzero(done[:, tests].any(axis=1) & (month > first.from_month) & (month <= last))
        yield _Visit(who, month[who], done[who])


def _look(study: Study, cause: int, onset: OnsetMass, mass: FloatArray, visit: _Visit) -> tuple[FloatArray, ...]:
    """Weigh a cause in the patients seen, (n_who,) each; what their tests would find is taken out of `mass`.

    Returns the weight of no beginning, of one, and of one times what markers say of it; of what the tests would find,
    and of that times what markers say.
    """
    begun = np.searchsorted(onset.start, visit.month.max(initial=0.0))  # later bins are still to come for all
    share, since = _share_before(visit.month, onset.start[:begun], onset.width[:begun])
    growth, event = onset.growth.select(visit.who), study.event_names[cause - 1]
    missed = np.ones((len(visit.who), mass.shape[1], begun))
    for index in _tests_for(study, cause):
        here = np.flatnonzero(visit.done[:, index])
        sees = study.test[index].sees[event]
        seen = seen_by_pace(sees, growth.select(here), since[here], months_per_unit=study.months_per_unit)
        missed[here] *= 1.0 - seen
    all_ = mass[visit.who].sum(axis=(1, 2)) + onset.never[visit.who]
    there = mass[visit.who, :, :begun] * share[:, None]
    found = there * (1.0 - missed)
    mass[visit.who, :, :begun] -= found
    told, found_and_told = there, found
    if onset.markers is not None:
        middle = onset.start[:begun] + onset.width[:begun] / 2
        factors = onset.markers.factors(visit.who, visit.month, middle, growth)
        told, found_and_told = there * factors, found * factors
    there_by, *others = (each.sum(axis=(1, 2)) for each in (there, told, found, found_and_told))
    return all_ - there_by, there_by, *others


def _tests_for(study: Study, cause: int) -> list[int]:
    return [index for index, test in enumerate(study.test) if study.event_names[cause - 1] in test.sees]


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
