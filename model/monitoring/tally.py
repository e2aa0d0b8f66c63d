"""Sums over patients, a chunk at a time: what was expected and what happened, in each cell of a table.

Intervals come from a bootstrap of patients that needs no second pass: in every draw each patient counts a Poisson
number of times with mean 1, independently of the others, so that sums of chunks are sums of the whole and memory does
not grow with the patients. (Drawing with replacement gives each patient a binomial number of times, which for many
patients is the same.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from model.audit.resampling import N_DRAWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.monitoring.looks import Looks
    from model.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Tally:
    """Sums in the cells of a table, whose shape, `...`, is whatever the caller says.

    Attributes
    ----------
    observed, expected : (1 + n_draws, ...) counting each patient once, then as often as each draw has it
    patients : (...) how many patients have a look there
    visits, beside, awaiting : (...) numbers of such looks, see `model.monitoring.looks.Looks`
    """

    observed: FloatArray
    expected: FloatArray
    patients: IntArray
    visits: IntArray
    beside: IntArray
    awaiting: IntArray

    @classmethod
    def empty(cls, *shape: int) -> Self:
        """No patients yet."""
        observed, expected = (np.zeros((1 + N_DRAWS, *shape)) for _ in range(2))
        patients, visits, beside, awaiting = (np.zeros(shape, dtype=np.int64) for _ in range(4))
        return cls(observed, expected, patients, visits, beside, awaiting)

    @classmethod
    def stack(cls, parts: Sequence[Tally]) -> Self:
        """Put tables side by side: their number becomes the last axis but one."""
        return cls(**{name: np.stack([getattr(each, name) for each in parts], axis=-2) for name in vars(parts[0])})

    def __add__(self, other: Tally) -> Tally:
        """Sums over both groups of patients."""
        return Tally(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def counts_of_patients(rng: np.random.Generator, n_patients: int) -> FloatArray:
    """How often each patient counts, (1 + N_DRAWS, n_patients): once in the first row, then as drawn.

    Drawn patient by patient, so that it makes no difference into which chunks they are cut.
    """
    drawn = rng.poisson(1.0, (n_patients, N_DRAWS)).T.astype(np.float64)
    return np.concatenate([np.ones((1, n_patients)), drawn])


def tally(looks: Looks, cell: IntArray, count: FloatArray, *, n_cells: int) -> Tally:
    """Sum the looks of a chunk of patients in each cell.

    Parameters
    ----------
    cell : (n_looks,) from 0
    count : (1 + n_draws, n_patients) from `counts_of_patients`
    """
    n_patients = count.shape[1]
    place = looks.patient * n_cells + cell

    def by_patient(value: FloatArray) -> FloatArray:
        return np.bincount(place, value, minlength=n_patients * n_cells).reshape(n_patients, n_cells).astype(np.float64)

    def number(value: BoolArray) -> IntArray:
        return np.bincount(cell[value], minlength=n_cells)

    return Tally(
        observed=count @ by_patient(looks.found.astype(np.float64)),
        expected=count @ by_patient(looks.expected),
        patients=(by_patient(np.ones(len(looks))) > 0).sum(axis=0),
        visits=number(looks.visit),
        beside=number(looks.beside),
        awaiting=number(looks.awaiting),
    )
