"""The part of the command that plans a cohort within the slots of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.command_line import say
from model.schedule.capacity.booking import months_of
from model.schedule.capacity.plan import by_month, gather, share
from model.schedule.capacity.report import FREE, OURS, infeasible, moved_months, ways
from model.schedule.planner import Plans

if TYPE_CHECKING:
    from model.predictor import Predictor
    from model.schedule.capacity.plan import Shared
    from model.schedule.capacity.report import Way
    from model.schedule.capacity.slots_file import Slots
    from model.schedule.planner import Patients
    from model.schedule.policy import Policy
    from model.types import FloatArray

SEED = 1


@dataclass(frozen=True)
class Together:
    """Plans of a cohort within slots, as the command writes them.

    Attributes
    ----------
    plans : slots are months; no window stands around a booked month
    moved_months : (n_visits,) by patient and date: months by which a patient's first, second, ... visit is later than
        it would be were there slots for all; nan where it would not be at all
    loss : (n_patients,) what the slots cost each patient: the rise of cost + price x months undetected
    """

    plans: Plans
    moved_months: FloatArray
    loss: FloatArray


def plan_together(
    predictor: Predictor, patients: Patients, policy: Policy, slots: Slots, *, tier: str | None
) -> Together:
    """Plan everybody within the slots, and say how the cohort fares beside queues in the same slots.

    Raises NotSupportedError as `plan.gather` does.
    """
    crowd, wanted = gather(predictor, patients, policy, tier=tier)
    room = slots.room(months_of(crowd.n_slots), len(predictor.study.test))
    shared = share(crowd, wanted, room, rng=np.random.default_rng(SEED), tell=say)
    found = {way.name: way for way in ways(predictor, patients, policy, shared)}
    for line in summary(shared, list(found.values()), [test.name for test in predictor.study.test]):
        say(f"  {line}")
    ours, free = found[OURS], found[FREE]
    nowhere = np.full(len(crowd), np.nan)
    plans = Plans(
        as_of_month=patients.as_of_month,
        slot_month=np.arange(len(shared.room), dtype=np.float64),
        done=by_month(crowd.actions.tests[ours.plan], ours.month, len(shared.room)),
        price=np.full(len(crowd), policy.price),
        broken=tuple(infeasible(shared)),
        earliest_month=nowhere,
        latest_month=nowhere,
        figures=ours.figures,
    )
    moved = moved_months(ours.month, free.month)
    return Together(plans, moved[ours.month >= 0], crowd.value(ours.plan) - crowd.value(free.plan))


def summary(shared: Shared, found: list[Way], tests: list[str]) -> list[str]:
    """Say how the slots are used, how far from the best the plans may be, and what each way means per patient."""
    there_are, left = shared.room.sum(axis=0), shared.bookings.left.sum(axis=0)
    lines = [
        f"{tests[each]}: {there_are[each]:.0f} slots, {there_are[each] - left[each]:.1f} expected to be used; one more "
        f"would be worth {shared.price[:, each].mean():.2f} on average"
        for each in np.flatnonzero(np.isfinite(there_are))
    ]
    total, n = float(shared.value.sum()), len(shared.crowd)
    lines.append(
        f"cost + price x months undetected, per patient: {total / n:.4f}; no plans within the slots have less than "
        f"{shared.bound / n:.4f}: at most {100 * (total / shared.bound - 1):.1f} % from the best"
    )
    if short := np.count_nonzero(shared.crowd.overrun(shared.bookings.plan)):
        lines.append(f"{short} of {n} patients: the slots leave no room for what the limits ask (limit_not_kept)")
    for way in found:
        what = way.figures
        lines.append(
            f"{way.name}: {what.undetected_months.mean():.4f} months undetected, missed "
            f"{what.missed_probability.mean():.4f}, cost {what.cost.mean():.3f}"
        )
    return lines
