"""Policies that know what no clinic can: bounds on what any schedule could reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from model.schedule.prospect import BEYOND_MONTHS, PATIENTS_AT_ONCE, STEP_MONTH, Prospect
from model.simulate.calendars import Given
from model.simulate.course import visit_costs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.simulate.course import Policy
    from model.simulate.engine import Planner
    from model.simulate.groups import GroupChoice
    from model.simulate.truth import Truth
    from model.study.definition import Study
    from model.types import FloatArray, IntArray

# Makes undetected months weigh more than any cost.
FIRST_OF_ALL = 1e4

PACE_SPACING = 0.5


class Oracle(Protocol):
    """A policy that is shown the truth before it starts."""

    @property
    def name(self) -> str:
        """How it is called in tables and figures."""

    def seeing(self, truth: Truth) -> Policy:
        """Become a policy for these patients."""


@dataclass(frozen=True)
class Foreknown:
    """A policy whose visits were laid down by somebody who knows the truth of just these patients."""

    name: str
    given: Given
    reads_markers: bool = False

    def start(self, baseline: FloatArray) -> Given:  # noqa: ARG002
        """Hand out the visits."""
        return self.given


@dataclass(frozen=True)
class Clairvoyant:
    """One visit at the best moment: of least undetected time, then least cost; those who never recur stay at home.

    It knows the luck of every test too, so no policy that comes in whole months can do better, patient by patient.
    """

    study: Study
    name: str = "clairvoyant"

    def seeing(self, truth: Truth) -> Foreknown:
        """Look up each patient's month and test."""
        month = np.arange(1, truth.horizon_month + 1)
        _, cost = visit_costs(self.study)
        late = np.clip(month - truth.onset_month[:, None], 0.0, None).astype(np.float32)
        finds = (truth.luck < truth.finds)[:, :, 1:] & truth.recurs[:, None, None]
        worst = np.where(finds, FIRST_OF_ALL * late[:, None, :] + cost[:, None].astype(np.float32), np.inf)
        best = worst.reshape(len(truth), -1).argmin(axis=1)
        test, at = np.unravel_index(best, worst.shape[1:])
        some = finds.any(axis=(1, 2))
        asked = np.arange(len(cost)) == test[:, None]
        return Foreknown(self.name, Given(np.where(some, month[at], np.inf)[:, None], asked[:, None, :]))


@dataclass(frozen=True)
class TrueRiskGroups:
    """The static schedule by groups of the truth's own hazard."""

    name: str
    choice: GroupChoice
    price: float

    def seeing(self, truth: Truth) -> Foreknown:
        """Sort the patients by their true hazard."""
        return Foreknown(self.name, Given.chosen(self.choice.calendars, self.choice.of(truth.hazards.sum, self.price)))


@dataclass(frozen=True)
class TrueHazardPlans:
    """The engine's own planner, told the true hazard and growth of every patient in place of a fitted model's.

    Whatever is found ends follow-up, so nothing is to be learned on the way and the plan of the first day stands.
    """

    name: str
    planner: Planner

    def seeing(self, truth: Truth) -> Foreknown:
        """Plan for every patient."""
        action = np.zeros((len(truth), self.planner.n_slots), dtype=np.int64)
        for who, prospect in true_prospects(truth, self.planner.study):
            action[who] = self.planner.plan(prospect, np.zeros(len(who)), action[who])
        visits_first = np.argsort(action == 0, axis=1, kind="stable")
        action = np.take_along_axis(action, visits_first, axis=1)
        month = np.where(action > 0, visits_first * STEP_MONTH, np.inf)
        return Foreknown(self.name, Given(month, self.planner.actions.tests[action]))


def true_prospects(truth: Truth, study: Study) -> Iterator[tuple[IntArray, Prospect]]:
    """Lay out where the true hazards put the onsets, from the origin to the horizon, as the planner takes them."""
    hazards, end = truth.hazards, float(truth.horizon_month)
    slot = np.arange(0.0, end + 1e-9, STEP_MONTH)
    edge = np.concatenate([[-np.inf], slot, end + np.array(BEYOND_MONTHS)])
    tested = [cause for cause in study.targets if study.found_by_test(cause)]
    lead = np.array([study.event[cause - 1].lead * study.months_per_unit for cause in tested])
    order = np.argsort(hazards.log_pace, kind="stable")
    for start in range(0, len(order), PATIENTS_AT_ONCE):
        who = order[start : start + PATIENTS_AT_ONCE]
        centre, sd = hazards.log_pace[who], hazards.log_pace_sd
        low, high = (centre[end_] + 3.5 * side * sd for end_, side in ((0, -1), (-1, 1)))
        log_pace = np.arange(np.floor(low / PACE_SPACING), np.ceil(high / PACE_SPACING) + 1) * PACE_SPACING
        share = np.exp(-(((log_pace - centre[:, None]) / sd) ** 2) / 2)
        share /= share.sum(axis=1, keepdims=True)
        begun_by = edge[1:] - lead[:, None, None] * np.exp(-log_pace)[:, None]  # (n_causes, n_paces, n_edges)
        passed = (np.maximum(begun_by, 0.0) / hazards.by_month) ** hazards.shape
        onset_by = -np.expm1(-hazards.scale[who][:, :, None, None] * passed) * share[:, None, :, None]
        yield (
            who,
            Prospect(
                step=STEP_MONTH,
                end_month=np.full(len(who), end),
                cause=np.array(tested, dtype=np.int64),
                target=np.ones(len(tested), dtype=bool),
                lead_months=lead,
                pace=np.exp(log_pace),
                edge=edge,
                mass=np.diff(onset_by, axis=-1, prepend=0.0),
                followed=hazards.followed[who][:, slot.astype(np.int64)],
            ),
        )
