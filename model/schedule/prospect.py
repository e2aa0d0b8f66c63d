"""What a plan of visits is weighed on: where the unseen and coming onsets of many patients may lie, and who lives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from model.errors import NotSupportedError
from model.onset.onset_mass import StepGrid, onsets_by_pace
from model.onset.outlook import begun_by_cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.predictor import Predictor
    from model.types import BoolArray, FloatArray, Histories, IntArray

STEP_MONTH = 3.0
PACE_SPACING = 1.5
# Edges of the bins of onsets before now: the older an onset, the less its exact age changes what tests see.
PAST_EDGES = (-np.inf, -144.0, -96.0, -72.0, -48.0, -36.0, -24.0, -18.0, -12.0, -9.0, -6.0, -3.0)
# What has its onset after the plan's end may have begun before and be found in its lead.
BEYOND_MONTHS = (12.0, 24.0, 48.0, 72.0)
PATIENTS_AT_ONCE = 250


@dataclass(frozen=True)
class Prospect:
    """Patients in whom nothing is found now, and what a plan for them is weighed on.

    Attributes
    ----------
    step : months between the slots in which a visit may take place; slot 0 is now
    end_month : (n_patients,) from now, where the plan and the count of undetected months end
    cause : (n_causes,) 1..K of the causes found by tests
    target : (n_causes,) whether its undetected months count
    lead_months : (n_causes,) from beginning to onset at the usual pace
    pace : (n_paces,) classes of the pace, how many times the usual
    edge : (n_bins + 1,) of the onset bins, months from now; the first is -inf
    mass : (n_patients, n_causes, n_paces, n_bins) P(onset in the bin, at the pace) of each cause alone
    followed : (n_patients, n_slots) P(none of the causes of known time, death above all, has come)
    """

    step: float
    end_month: FloatArray
    cause: IntArray
    target: BoolArray
    lead_months: FloatArray
    pace: FloatArray
    edge: FloatArray
    mass: FloatArray
    followed: FloatArray

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.mass)

    @property
    def n_slots(self) -> int:
        """Slots from now to the last patient's end."""
        return int(self.followed.shape[1])

    @property
    def n_past(self) -> int:
        """Bins of onsets before now."""
        return int(np.searchsorted(self.edge, 0.0))

    @property
    def middle(self) -> FloatArray:
        """Middle of each onset bin, (n_bins,); the first stands a year before its end."""
        low = np.maximum(self.edge[:-1], self.edge[1] - 24.0)
        return np.asarray((low + self.edge[1:]) / 2)

    @property
    def slot_month(self) -> FloatArray:
        """Months from now of the slots, (n_slots,)."""
        return np.multiply(np.arange(self.n_slots), self.step)

    @property
    def counted(self) -> FloatArray:
        """Expected months under observation between each slot and the next, within the plan, (n_patients, n_slots)."""
        length = np.clip(self.end_month[:, None] - self.slot_month, 0.0, self.step)
        after = np.concatenate([self.followed[:, 1:], self.followed[:, -1:]], axis=1)
        at_end = self.followed + (after - self.followed) * length / self.step
        return np.asarray(length * (self.followed + at_end) / 2)

    @cached_property
    def share_begun(self) -> FloatArray:
        """Share of each bin's onsets before the middle of the stretch after each slot, (n_slots, n_bins)."""
        return self.share_before(self.slot_month + self.step / 2)

    def share_before(self, month: FloatArray) -> FloatArray:
        """Share of each bin's onsets before some months from now, (n_months,) to (n_months, n_bins)."""
        low = np.maximum(self.edge[:-1], self.edge[1] - 24.0)
        return np.asarray(np.clip((month[:, None] - low) / (self.edge[1:] - low), 0.0, 1.0))

    def select(self, index: IntArray | BoolArray) -> Self:
        """Return some of the patients."""
        return replace(self, end_month=self.end_month[index], mass=self.mass[index], followed=self.followed[index])


def prospects(
    predictor: Predictor,
    histories: Histories,
    as_of_month: FloatArray,
    end_month: FloatArray,
    *,
    step: float = STEP_MONTH,
    spacing: float = PACE_SPACING,
    n_draws: int = 0,
    at_once: int = PATIENTS_AT_ONCE,
) -> Iterator[tuple[IntArray, Prospect]]:
    """Yield (which patients, their prospect), some at a time, patients of like pace together.

    Parameters
    ----------
    as_of_month : (n_patients,) the moments from which on to plan, as in `Predictor.predict`
    end_month : (n_patients,) months from then to the plan's end
    step : length of a slot in months; visits and onsets are placed on this grid
    spacing : of the classes of pace, on the log scale
    n_draws : 0 for the best estimate; else the first so many draws of the parameters, and the prospect's rows are
        those of the first draw, then those of the second, ...
    at_once : how many patients; equal numbers give equal parts

    Raises NotSupportedError as `Predictor.predict`, or where the model gives no finite number.
    """
    predictor.check_supported(as_of_month)
    order = np.argsort(_usual_pace(predictor, histories), kind="stable")
    for start in range(0, len(order), at_once):
        who = order[start : start + at_once]
        asked = _Asked(histories.select(who), as_of_month[who], end_month[who], step, spacing, n_draws)
        yield who, _prospect(predictor, asked)


@dataclass(frozen=True)
class _Asked:
    """Some of the patients, with what `prospects` was asked about them."""

    histories: Histories
    as_of_month: FloatArray
    end_month: FloatArray
    step: float
    spacing: float
    n_draws: int

    def of(self, fitted: Any) -> Any:
        """The best estimate of what was fitted, or the draws asked for."""
        return fitted.draws.first(self.n_draws) if self.n_draws else fitted.best


def _usual_pace(predictor: Predictor, histories: Histories) -> FloatArray:
    baselines = predictor.baselines(histories)
    tested = [rule for rule in predictor.pace_rules if predictor.study.found_by_test(rule.cause)]
    return tested[0].growth(baselines).pace.mean(axis=1) if tested else np.zeros(len(histories))


def _prospect(predictor: Predictor, asked: _Asked) -> Prospect:
    """Follow `Predictor.predict`, keeping each cause alone and its paces apart."""
    step, end_month = asked.step, asked.end_month
    n_slots = int(np.ceil(end_month.max(initial=0.0) / step - 1e-9)) + 1
    n_beyond = [int(np.ceil(months / step)) for months in BEYOND_MONTHS]
    grid = StepGrid.like(predictor.grid, step_month=step, n_steps=n_slots - 1 + n_beyond[-1])
    edge = np.concatenate([PAST_EDGES, np.append(np.arange(n_slots), np.add(n_beyond, n_slots - 1)) * step])
    asking, histories = replace(predictor, grid=grid), asked.histories
    situation = asking.situation(histories, asked.as_of_month)
    baselines, guesses = situation.baselines, None
    if asked.n_draws and np.isnan(baselines.recorded).any():
        guesses = baselines.guesses(predictor.luck[: asked.n_draws])
    copies = max(asked.n_draws, 1)
    passed, hazards, begun = np.zeros((copies, len(histories), n_slots)), {}, []
    for number, model in enumerate(predictor.causes, 1):
        hazard = asking.hazard_to_come(situation, number, asked.of, guesses=guesses)
        if model.past is None:
            passed[..., 1:] += np.cumsum(hazard[..., : n_slots - 1] * step, axis=-1)
            continue
        hazards[number] = hazard
        begun.append(asking.begun(situation, number, asked.of, guesses=guesses))
    tested = []
    for of, mass, (number, hazard) in zip(begun, begun_by_cause(begun), hazards.items(), strict=True):
        growth = of.results.growth
        curve = onsets_by_pace(mass, hazard, situation.moment, of, edge=edge[1:])
        by_bin = np.diff(curve, axis=-1, prepend=0.0).reshape(copies, *growth.pace.shape, -1)
        tested.append((number, growth.lead_months, np.log(growth.pace), by_bin))
    classes = _classes([log_pace for _, _, log_pace, _ in tested], asked.spacing)
    sorted_ = [_sorted_by_pace(part, log_pace / asked.spacing, classes) for _, _, log_pace, part in tested]
    nothing = np.zeros((copies, len(histories), 0, len(classes), len(edge) - 1))
    mass = np.stack(sorted_, axis=2) if sorted_ else nothing
    cause = np.array([number for number, _, _, _ in tested], dtype=np.int64)
    found = Prospect(
        step=step,
        end_month=np.tile(end_month, copies),
        cause=cause,
        target=np.isin(cause, predictor.study.targets),
        lead_months=np.array([lead for _, lead, _, _ in tested]),
        pace=np.exp(classes * asked.spacing),
        edge=edge,
        mass=mass.reshape(-1, *mass.shape[2:]),
        followed=np.exp(-passed).reshape(-1, n_slots),
    )
    if not (np.isfinite(found.mass).all() and np.isfinite(found.followed).all()):
        raise NotSupportedError("the model gives no finite number for this record")
    return found


def _classes(log_pace: list[FloatArray], spacing: float) -> FloatArray:
    """Whole multiples of the spacing around all paces: a patient's classes do not depend on who else is asked about."""
    if not log_pace:
        return np.zeros(1)
    low = min(np.floor(part.min() / spacing + 1e-9) for part in log_pace)
    high = max(np.ceil(part.max() / spacing - 1e-9) for part in log_pace)
    return np.arange(low, high + 1)


def _sorted_by_pace(mass: FloatArray, place: FloatArray, classes: FloatArray) -> FloatArray:
    """Share each pace's mass, (..., n_patients, n_paces, n_bins), between the two classes around it, at `place`."""
    below = np.clip(np.floor(place + 1e-9) - classes[0], 0, max(len(classes) - 2, 0)).astype(np.int64)
    above = np.clip(place - classes[0] - below, 0.0, 1.0)
    weight = np.zeros((*place.shape, len(classes)))
    np.put_along_axis(weight, below[..., None], (1.0 - above)[..., None], axis=-1)
    if len(classes) > 1:
        np.put_along_axis(weight, below[..., None] + 1, above[..., None], axis=-1)
    return np.asarray(weight.swapaxes(1, 2) @ mass)
