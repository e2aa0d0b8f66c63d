"""Small made-up prospects, and every plan there is for them."""

from __future__ import annotations

import itertools

import numpy as np

from model.schedule.actions import Burden, worthwhile
from model.schedule.limits import Limits
from model.schedule.prospect import PAST_EDGES, Prospect
from model.schedule.task import Task, course_of
from tests.model.builders import growing, study_by_test
from tests.model.traps.cohorts import study_of_three

N_PAST = len(PAST_EDGES)


def study_of_two_tests():
    """Two recurrences that begin a year before their onset; ct sees the first, mri both, at other prices."""
    study = study_of_three()
    events = tuple(growing(event) if event.observed == "test" else event for event in study.event)
    costs = {"ct": 1.4, "mri": 2.0}
    tests = tuple(test.model_copy(update={"cost": costs[test.name]}) for test in study.test)
    return study.model_copy(update={"event": events, "test": tests})


def drawn_prospects(rng, n, *, step=12.0, n_slots=8):
    """Prospects of `study_of_two_tests`: hazards that wander, some onsets already there, three paces."""
    edge = np.concatenate([PAST_EDGES, np.arange(n_slots) * step, (n_slots - 1) * step + np.array([24.0, 48.0])])
    n_bins = len(edge) - 1
    mass = np.zeros((n, 2, 3, n_bins))
    for cause in range(2):
        wander = np.exp(np.cumsum(rng.normal(0, 0.4, (n, n_bins - N_PAST)), axis=1))
        rate = np.exp(rng.normal(-6, 1.2, (n, 1))) * wander
        later = np.diff(-np.expm1(-np.cumsum(rate * np.diff(edge[N_PAST:]), axis=1)), prepend=0.0, axis=1)
        there = rng.uniform(0, 0.1, (n, 1)) * rng.dirichlet(np.full(N_PAST, 0.3), n)
        by_bin = np.concatenate([there, later * (1 - there.sum(axis=1, keepdims=True))], axis=1)
        mass[:, cause] = rng.dirichlet(np.full(3, 3.0), n)[:, :, None] * by_bin[:, None]
    followed = np.exp(-np.exp(rng.normal(-6, 0.7, (n, 1))) * np.arange(n_slots) * step)
    return Prospect(
        step=step,
        end_month=np.full(n, (n_slots - 1) * step),
        cause=np.array([1, 3]),
        target=np.array([True, True]),
        lead_months=np.array([12.0, 12.0]),
        pace=np.exp([-0.7, 0.0, 0.7]),
        edge=edge,
        mass=mass,
        followed=followed,
    )


def even_hazard(hazard, *, death=0.002, n_slots=41, step=3.0):
    """Prospects of `study_by_test`: nothing there now, onsets at constant hazards, (n_patients,) per month."""
    hazard = np.asarray(hazard, dtype=float)
    edge = np.concatenate([PAST_EDGES, np.arange(n_slots) * step, (n_slots - 1) * step + np.array([24.0])])
    later = np.diff(-np.expm1(-np.outer(hazard, edge[N_PAST:])), axis=1)
    mass = np.concatenate([np.zeros((len(hazard), N_PAST)), later], axis=1)
    return Prospect(
        step=step,
        end_month=np.full(len(hazard), (n_slots - 1) * step),
        cause=np.array([1]),
        target=np.array([True]),
        lead_months=np.zeros(1),
        pace=np.ones(1),
        edge=edge,
        mass=mass[:, None, None],
        followed=np.exp(-death * np.arange(n_slots) * step) * np.ones((len(hazard), 1)),
    )


def task_of(study, prospect, price, *, tier=None):
    """The search's task at a price, one for all or one each."""
    prices = np.broadcast_to(np.asarray(price, dtype=float), (len(prospect),)).copy()
    return Task.of(study, prospect, worthwhile(study, Burden(), tier=tier), prices)


def perfect_task(hazard, price, **more):
    """One perfect test that costs 2, a visit nothing."""
    study = study_by_test()
    study = study.model_copy(update={"test": study.test[:1]})
    return task_of(study, even_hazard(hazard, **more), price)


def every_plan(limits, n_actions):
    """All plans that keep the first patient's limits, (n_plans, n_slots) of actions."""
    slots = np.flatnonzero(limits.open[0])
    choices = np.array(list(itertools.product(range(n_actions), repeat=len(slots))))
    plans = np.zeros((len(choices), limits.open.shape[1]), dtype=np.int64)
    plans[:, slots] = choices
    same = limits.select(np.zeros(len(plans), dtype=np.int64))
    return plans[Limits.kept(same, plans > 0)]


def least_objective(task, plans):
    """The objective of the best of all plans, (n_patients,)."""
    return np.array(
        [course_of(task.select(np.full(len(plans), who)), plans).objective.min() for who in range(len(task))]
    )
