"""Sum what begins over the delays until its onset, in machine code: these loops are most of a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.compiling import compiled

if TYPE_CHECKING:
    from model.types import FloatArray


@compiled
def begun_by(
    begun: FloatArray, width: FloatArray, edge: FloatArray, until: FloatArray, delay: FloatArray
) -> FloatArray:
    """Mass of past beginnings whose onset comes by some months, (n_draws, n_patients, n_months).

    Parameters
    ----------
    begun : (n_draws, n_patients, n_paces, n_bins) mass by bin, even within its part that is looked at
    width : (n_patients, n_bins) of that part, from the bin's beginning on
    edge : (n_bins + 1,) of the bins, ascending
    until : (n_patients, n_months) ascending, on the clock of the bins
    delay : (n_patients, n_paces) from beginning to onset
    """
    n_draws, n_patients, n_paces, n_bins = begun.shape
    n_months = until.shape[1]
    found = np.zeros((n_draws, n_patients, n_months))
    where, share = np.empty(n_months, dtype=np.int64), np.empty(n_months)
    passed = np.zeros(n_bins + 1)
    for who in range(n_patients):
        for pace in range(n_paces):
            one, none_yet = 0, 0
            for month in range(n_months):
                latest = until[who, month] - delay[who, pace]
                none_yet += latest < 0
                while one < n_bins - 1 and edge[one + 1] <= latest:
                    one += 1
                part = latest - edge[one]
                where[month] = one
                share[month] = part / width[who, one] if part < width[who, one] else 1.0
            for draw in range(n_draws):
                for one in range(n_bins):
                    passed[one + 1] = passed[one] + begun[draw, who, pace, one]
                for month in range(none_yet, n_months):
                    at = where[month]
                    found[draw, who, month] += passed[at] + begun[draw, who, pace, at] * share[month]
    return found


@compiled
def later_by(begins: FloatArray, share: FloatArray, delay: FloatArray, step: float) -> FloatArray:
    """P(onset by each of some even months) of what is yet to begin, (n_draws, n_patients, n_months).

    Parameters
    ----------
    begins : (n_draws, n_patients, n_months) P(beginning by each month), from 0 on, `step` months apart
    share : (n_draws, n_patients, n_paces) probability of each pace
    delay : (n_patients, n_paces) from beginning to onset
    """
    n_draws, n_patients, n_months = begins.shape
    found = np.zeros(begins.shape)
    for draw in range(n_draws):
        for who in range(n_patients):
            for pace in range(delay.shape[1]):
                steps = delay[who, pace] / step
                whole = int(np.ceil(steps - 1e-9))
                part, weight = max(whole - steps, 0.0), share[draw, who, pace]
                for month in range(whole, n_months):
                    low = begins[draw, who, month - whole]
                    high = begins[draw, who, min(month - whole + 1, n_months - 1)]
                    found[draw, who, month] += weight * (low + (high - low) * part)
    return found
