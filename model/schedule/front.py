"""For shared decisions: less burden against earlier detection, and how sure the figures are."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from model.forecast import BAND
from model.schedule.actions import worthwhile
from model.schedule.best import best_plans
from model.schedule.figures import Figures, figures, finer
from model.schedule.planner import AT_ONCE_WITH_DRAWS, DRAWS, FINE_SPACING, FINE_STEP, Plans, limits_of
from model.schedule.prospect import prospects
from model.schedule.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.predictor import Predictor
    from model.schedule.planner import Patients
    from model.schedule.policy import Policy
    from model.types import BoolArray, FloatArray, IntArray

PRICES = tuple(float(price) for price in np.geomspace(0.5, 100.0, 10))


def front(
    predictor: Predictor,
    patients: Patients,
    policy: Policy,
    *,
    tier: str | None = None,
    prices: Sequence[float] = PRICES,
) -> Iterator[tuple[IntArray, list[tuple[FloatArray, BoolArray, Figures]]]]:
    """Yield (which patients, [slots in months from now, plan by test done, figures] at each price), some at a time.

    Within the policy's limits, whatever its price: the dearer a month undetected, the more visits.
    """
    study = predictor.study
    actions = worthwhile(study, policy.burden, tier=tier)
    asked = predictor, patients.histories, patients.as_of_month, patients.end_month(policy)
    fine = prospects(*asked, step=FINE_STEP, spacing=FINE_SPACING)
    for (who, prospect), (_, finely) in zip(prospects(*asked), fine, strict=True):
        n = len(who)
        rows = np.tile(np.arange(n), len(prices))
        task = Task.of(study, prospect, actions, np.ones(n)).select(rows)
        limits = limits_of(patients, who, prospect, policy).select(rows)
        chosen, _ = best_plans(replace(task, price=np.repeat(prices, n)), limits)
        done = actions.tests[chosen.reshape(len(prices), n, -1)]
        yield who, [(prospect.slot_month, plan, figures(study, finely, finer(plan, prospect, finely))) for plan in done]


def bands(
    predictor: Predictor, patients: Patients, policy: Policy, plans: Plans, *, n_draws: int = DRAWS
) -> tuple[Figures, Figures]:
    """Lower and upper ends of the 95 % bands of the figures of `plans`, for a few patients: spread over the draws."""
    asked = predictor, patients.histories, patients.as_of_month, patients.end_month(policy)
    order, low, high = [], [], []
    for who, drawn in prospects(*asked, n_draws=n_draws, at_once=AT_ONCE_WITH_DRAWS):
        found = figures(predictor.study, drawn, np.tile(plans.done[who][:, : drawn.n_slots], (n_draws, 1, 1)))
        each = {
            field.name: np.quantile(
                getattr(found, field.name).reshape(n_draws, len(who), *getattr(found, field.name).shape[1:]),
                BAND,
                axis=0,
            )
            for field in fields(Figures)
        }
        order.append(who)
        low.append({name: ends[0] for name, ends in each.items()})
        high.append({name: ends[1] for name, ends in each.items()})
    place = np.argsort(np.concatenate(order), kind="stable")
    joined = [{name: np.concatenate([part[name] for part in end])[place] for name in end[0]} for end in (low, high)]
    return Figures(**joined[0]), Figures(**joined[1])
