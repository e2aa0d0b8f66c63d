"""How far what may have begun had come when markers were last measured: P(stage) by the results so far, and by all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from model.onset.growth import seen_by_pace
from model.onset.observation import result_likelihood
from model.onset.posterior import first_beginning
from model.onset.presence import N_STAGES, stage_at
from model.types import NEGATIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.onset.grid import TimeGrid
    from model.onset.growth import Growth
    from model.onset.observation import Ending
    from model.study.definition import Study
    from model.types import FloatArray, Histories, IntArray

PATIENTS_AT_ONCE = 250


@dataclass(frozen=True)
class Course:
    """Patients under surveillance for one cause, and the hazard of its beginning.

    Attributes
    ----------
    histories, ending, growth : (n_patients, ...)
    hazard : (n_patients, n_onset) per month of beginning
    """

    study: Study
    cause: int
    grid: TimeGrid
    histories: Histories
    ending: Ending
    growth: Growth
    hazard: FloatArray

    def select(self, who: IntArray, until: float) -> Self:
        """Return some of the patients, their clock up to a month."""
        grid = self.grid.until(until)
        return replace(
            self,
            grid=grid,
            histories=self.histories.select(who),
            ending=self.ending.select(who),
            growth=self.growth.select(who),
            hazard=self.hazard[who, : len(grid.onset_edge) - 1],
        )

    def missed(self) -> Iterator[FloatArray]:
        """Visit by visit the chance that its negative tests miss it, (n_patients, n_paces, n_bins) of beginnings."""
        event = self.study.event_names[self.cause - 1]
        tests = [(index, test.sees[event]) for index, test in enumerate(self.study.test) if event in test.sees]
        start, step = self.grid.onset_edge[:-1], self.grid.step
        for visit in range(self.histories.visit_month.shape[1]):
            month, negative = self.histories.visit_month[:, visit], self.histories.test[:, visit] == NEGATIVE
            able = negative[:, [index for index, _ in tests]].any(axis=1) & (month <= self.grid.onset_edge[-1])
            month = np.where(able, month, 0.0)
            begun = int(np.searchsorted(start, month.max(initial=0.0)))
            past = np.clip(month[:, None] - start[:begun], 0.0, step)
            since = month[:, None] - start[:begun] - past / 2
            missed = np.ones((len(self.histories), self.growth.pace.shape[1], len(start)))
            for index, sees in tests:
                who = np.flatnonzero(able & negative[:, index])
                growing = self.growth.select(who)
                seen = seen_by_pace(sees, growing, since[who], months_per_unit=self.study.months_per_unit)
                missed[who, :, :begun] *= 1.0 - seen
            missed[:, :, :begun] = 1.0 - (past / step)[:, None] * (1.0 - missed[:, :, :begun])
            yield missed


@dataclass(frozen=True)
class Reading:
    """When markers were last measured, and when one looks back at that.

    Attributes
    ----------
    patient : (n_rows,) of a `Course`; nothing was found by `now_month`
    now_month, measured_month : (n_rows,)
    """

    patient: IntArray
    now_month: FloatArray
    measured_month: FloatArray

    def select(self, index: IntArray, patient: IntArray) -> Self:
        """Return some of the rows, of patients numbered anew."""
        return type(self)(patient, self.now_month[index], self.measured_month[index])


def by_stage(course: Course, reading: Reading) -> tuple[FloatArray, FloatArray]:
    """P(stage when markers were measured, results): of the results up to now and of all, each (n_rows, 1 + N_STAGES).

    None begun by then comes first. In chunks of patients who were followed about equally long.
    """
    so_far, in_all = (np.zeros((len(reading.patient), 1 + N_STAGES)) for _ in range(2))
    until = course.ending.month.copy()
    np.maximum.at(until, reading.patient, reading.now_month)
    order = np.argsort(until, kind="stable")
    rank = np.argsort(order)
    for start in range(0, len(order), PATIENTS_AT_ONCE):
        who = order[start : start + PATIENTS_AT_ONCE]
        here = np.flatnonzero(rank[reading.patient] // PATIENTS_AT_ONCE == start // PATIENTS_AT_ONCE)
        if len(here):
            few = reading.select(here, rank[reading.patient[here]] - start)
            part = course.select(who, float(until[who].max()))
            so_far[here], in_all[here] = _so_far(part, few), _in_all(part, few)
    return so_far, in_all


def _so_far(course: Course, reading: Reading) -> FloatArray:
    grid, hazard = course.grid, course.hazard
    density, _ = first_beginning(hazard, np.full(hazard.shape, grid.step))
    free = np.exp(-np.cumsum(np.pad(hazard * grid.step, ((0, 0), (1, 0))), axis=1))
    end = np.searchsorted(grid.onset_edge, reading.now_month - 1e-9)
    joint = density[:, None, :] * course.growth.share[:, None]
    visit_month = course.histories.visit_month
    n_seen = (visit_month[reading.patient] <= reading.now_month[:, None]).sum(axis=1)
    found = np.zeros((len(end), 1 + N_STAGES))

    def record(after: int) -> None:
        now = np.flatnonzero(n_seen == after)
        who = reading.patient[now]
        begun = np.cumsum(joint.sum(axis=1), axis=1)[who, np.maximum(end[now] - 1, 0)]
        found[now] = _split(course, joint, reading.select(now, who), begun + free[who, end[now]])

    for visit, missed in enumerate(course.missed()):
        record(visit)
        joint *= missed
    record(visit_month.shape[1])
    return found


def _in_all(course: Course, reading: Reading) -> FloatArray:
    results = result_likelihood(
        course.study, course.histories, course.grid, course.growth, course.ending, cause=course.cause
    )
    density, never = first_beginning(course.hazard, results.width)
    joint = density[:, None, :] * course.growth.share[:, None] * results.by_pace
    total = joint.sum(axis=(1, 2)) + never * results.given_none
    return _split(course, joint, reading, total[reading.patient])


def _split(course: Course, joint: FloatArray, reading: Reading, total: FloatArray) -> FloatArray:
    """Split the total of each row by stage, none first: whatever is not in another stage."""
    when = reading.measured_month
    n_bins = int(np.searchsorted(course.grid.onset_middle, when.max(initial=0.0)))
    stage = stage_at(when, course.grid.onset_middle[:n_bins], course.growth.select(reading.patient))
    here = joint[reading.patient, :, :n_bins]
    begun = [np.sum(here, axis=(1, 2), where=stage == number) for number in range(1, 1 + N_STAGES)]
    return np.column_stack([np.maximum(total - sum(begun), 0.0), *begun])
