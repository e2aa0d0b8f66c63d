"""Sums over the rows of each patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from model.types import FloatArray, IntArray


def sum_by_patient(patient: IntArray, values: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """Sum rows, (n_rows, n_columns), weighted or not, by patient, (n_patients_with_rows, n_columns).

    As a product with a sparse matrix: `np.add.reduceat` gives the same in some fifteen times the time.

    patient : (n_rows,) ascending; weight : (n_rows,)
    """
    first = np.flatnonzero(np.diff(patient, prepend=-1))
    each = np.ones(len(patient)) if weight is None else weight
    membership = csr_array((each, np.arange(len(patient)), np.append(first, len(patient))), (len(first), len(patient)))
    return np.asarray(membership @ values)
