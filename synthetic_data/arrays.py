"""Array types, keyed random streams and the draws that numpy lacks."""

from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

BLOCK = 5_000
"""Patients per random stream. Fixed: a block is always drawn whole, so no cohort size changes a patient."""


class Component(IntEnum):
    """One random stream per part of a patient, so that changing one part leaves the others as they were."""

    BASELINE = 0
    LESIONS = 1
    DEATH = 2
    FOLLOW_UP = 3
    RECORDING = 4
    VISIT = 5
    LITERATURE = 6


def stream(seed: int, block: int, component: Component, visit_round: int = 0) -> np.random.Generator:
    """The random stream of one block of patients and one component (and, for visits, one round)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block, component, visit_round)))


def truncated_normal(uniform: FloatArray, *, mean: float, sd: float, low: float, high: float) -> FloatArray:
    """Normal draws cut to [low, high], by inversion of `uniform` in [0, 1); any shape."""
    from_low, to_high = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
    drawn: FloatArray = mean + sd * ndtri(from_low + uniform * (to_high - from_low))
    return drawn
