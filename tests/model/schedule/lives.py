"""Patients lived through one by one: onsets drawn from a prospect, every test of a plan drawn on them."""

from __future__ import annotations

import numpy as np

from model.onset.growth import sensitivity_at


def lived(rng, study, prospect, plan, n):
    """Live through the first patient's plan n times: a dictionary of what happened to each, (n,) or (n, n_tests)."""
    onset, pace = _onsets(rng, prospect, n)
    end = np.minimum(_death(rng, prospect, n), prospect.end_month[0])
    first = np.where(prospect.target, onset, np.inf).min(axis=1)
    found = np.full(n, np.inf)
    tests = np.zeros((n, plan.shape[2]))
    visits = np.zeros(n)
    for slot in np.flatnonzero(plan[0].any(axis=1)):
        month = prospect.slot_month[slot]
        comes = (found == np.inf) & (month < end)
        visits += comes
        tests += comes[:, None] * plan[0, slot]
        for t in np.flatnonzero(plan[0, slot]):
            for k, cause in enumerate(prospect.cause):
                sees = study.test[t].sees.get(study.event_names[cause - 1])
                if sees is not None:
                    since = np.maximum((month - onset[:, k]) * pace[:, k], -1e9)
                    lead = prospect.lead_months[k]
                    seen = sensitivity_at(sees, since, months_per_unit=study.months_per_unit, lead_months=lead)
                    found[comes & (rng.random(n) < seen)] = month
    stop = np.minimum(end, found)
    there = first < stop
    visit_cost = study.policy.visit_cost if study.policy else 0.0
    cost = visits * visit_cost + tests @ np.array([test.cost for test in study.test])
    return {
        "visits": visits,
        "cost": cost,
        "tests": tests,
        "onset_probability": first < end,
        "undetected_months": np.where(there, stop - np.maximum(first, 0.0), 0.0),
        "missed_probability": there & (found > end),
        "waits": np.stack([there & (stop - first >= limit) for limit in (6.0, 12.0)], axis=1),
    }


def _onsets(rng, prospect, n):
    """Onsets in the middle of their bins, as the figures take them, and paces; (n, n_causes) each."""
    onset, pace = np.full((n, len(prospect.cause)), np.inf), np.ones((n, len(prospect.cause)))
    n_bins = prospect.mass.shape[3]
    for k in range(len(prospect.cause)):
        mass = np.append(prospect.mass[0, k].ravel(), 0.0)
        mass[-1] = 1.0 - mass.sum()
        cell = rng.choice(len(mass), n, p=mass)
        there = cell < len(mass) - 1
        onset[there, k] = prospect.middle[cell[there] % n_bins]
        pace[there, k] = prospect.pace[cell[there] // n_bins]
    return onset, pace


def _death(rng, prospect, n):
    """Death comes at any time of a step alike; the last step's part is beyond every plan."""
    followed, u = np.append(prospect.followed[0], 0.0), rng.random(n)
    slot = (u[:, None] < followed).sum(axis=1) - 1
    return (slot + (followed[slot] - u) / (followed[slot] - followed[slot + 1])) * prospect.step
