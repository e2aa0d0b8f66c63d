"""Folds for cross-validation: by patient, never by row, and alike in their outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.types import IntArray


def patient_folds(cause: IntArray, *, n_folds: int, rng: np.random.Generator) -> IntArray:
    """Assign each patient to a fold, (n_patients,) from 0; every cause is spread evenly over the folds.

    cause : (n_patients,) as in Outcomes
    """
    order = np.lexsort((rng.random(len(cause)), cause))
    fold = np.empty(len(cause), dtype=np.int64)
    fold[order] = np.arange(len(cause)) % n_folds
    return fold
