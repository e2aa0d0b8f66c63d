"""What a slot is worth: prices at which patients who each plan for themselves want no more slots than there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.schedule.capacity.crowd import Crowd
    from model.types import FloatArray, IntArray

# In a round one patient in `TURNS` plans anew: if all did, all would leave a dear slot for the same cheap one.
ROUNDS, TURNS, LAST_PASSES = 120, 4, 10
FIRST_STEP, LAST_STEP = 0.3, 0.01


@dataclass(frozen=True)
class Prices:
    """Prices of slots and what follows from them.

    Attributes
    ----------
    price : (n_slots, n_tests) in the study's units of cost
    bound : no plans of all patients together, within the slots, have a lower total value; as far as the search finds
        each patient's best plan at these prices
    plan : the patients' own plans at these prices, which may want more slots than there are
    """

    price: FloatArray
    bound: float
    plan: IntArray


def priced_slots(crowd: Crowd, wanted: IntArray, slots: FloatArray, *, tell: Callable[[str], None]) -> Prices:
    """Raise the price of what is wanted too much, lower it where slots stay free, in ever smaller steps.

    Parameters
    ----------
    wanted : the plans where slots are free
    slots : (n_slots, n_tests) there are; inf = as many as are wanted
    """
    limited, tests = np.isfinite(slots), crowd.actions.tests
    there_are = np.where(limited, slots, 0.0)
    unit = crowd.actions.cost[1:].min()
    space = np.where((slots == 0) @ tests.T, 0.0, np.inf)
    price, mean = np.zeros(slots.shape), np.zeros(slots.shape)
    load = crowd.load(wanted, crowd.comes(wanted, crowd.everybody))
    rounds = ROUNDS if (load > slots).any() else 0  # with enough for all, slots are free
    plan = np.where(space[np.arange(wanted.shape[1]), wanted] > 0, wanted, 0)
    come, half = crowd.comes(plan, crowd.everybody), ROUNDS // 2
    for number in range(rounds):
        load = crowd.load(plan, come)
        excess = np.where(limited, (load - there_are) / np.maximum(there_are, 1.0), 0.0)
        step = FIRST_STEP * (LAST_STEP / FIRST_STEP) ** (number / (ROUNDS - 1))
        price = np.maximum(price + step * (unit + price) * np.clip(excess, -1.0, 1.0), 0.0)
        if number >= half:
            mean += price / (ROUNDS - half)
        who = np.arange(number % TURNS, len(crowd), TURNS)
        turn = number // TURNS
        plan[who], _ = crowd.improved(plan[who], who, price @ tests.T, space, passes=range(turn, turn + 1))
        come[who] = crowd.comes(plan[who], who)
        if (number + 1) % (ROUNDS // 4) == 0:
            tell(f"  prices of slots: round {number + 1} of {ROUNDS}")
    plan, value = crowd.improved(plan, crowd.everybody, mean @ tests.T, space, passes=range(LAST_PASSES))
    return Prices(mean, float(value.sum() - (mean * there_are).sum()), plan)
