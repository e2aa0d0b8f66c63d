"""Intervals by drawing patients with replacement: a draw is a weight per patient, so no data are copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np

if TYPE_CHECKING:
    from model.types import FloatArray

N_DRAWS = 200
LEVELS = (0.025, 0.975)


class Number(TypedDict):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def patient_weights(n_patients: int, *, seed: int) -> FloatArray:
    """How often each patient counts, (1 + N_DRAWS, n_patients): once in the first row, then as drawn."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM,)))
    drawn = rng.multinomial(n_patients, np.full(n_patients, 1.0 / n_patients), size=N_DRAWS)
    return np.concatenate([np.ones((1, n_patients)), drawn.astype(np.float64)])


def number(draws: FloatArray) -> Number:
    """Turn a metric under `patient_weights`, (1 + N_DRAWS,), into the figure and its interval."""
    low, high = interval(draws)
    return {"value": float(draws[0]), "low": low, "high": high}


def numbers(draws: dict[str, FloatArray]) -> dict[str, Number | None]:
    """Turn each metric into its figure and interval, or None where it does not exist."""
    return {key: number(value) if np.isfinite(value[0]) else None for key, value in draws.items()}


def interval(draws: FloatArray) -> tuple[float, float]:
    """95 % percentile interval of a metric under `patient_weights`, (1 + N_DRAWS,).

    A draw in which the metric does not exist (it drew no case at all) says nothing about it and is left out.
    """
    low, high = np.quantile(draws[1:][np.isfinite(draws[1:])], LEVELS)
    return float(low), float(high)


# Keeps these draws apart from others that start from the same seed.
_STREAM = 0xA0D17
