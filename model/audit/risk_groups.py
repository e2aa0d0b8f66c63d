"""Patients in order of predicted risk, cut so that every group is expected to have about as many events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.types import FloatArray, IntArray


def risk_groups(predicted: FloatArray, n_groups: int) -> IntArray:
    """Number the groups from 0, lowest risk first, (n_rows,); equal predictions are never parted.

    Where most events are expected in few patients, groups of equal size would leave most groups without any.
    """
    order = np.argsort(predicted, kind="stable")
    ranked = predicted[order]
    passed = np.cumsum(ranked)
    place = (passed - ranked / 2) / passed[-1]
    first_equal = np.searchsorted(ranked, ranked, side="left")
    group = np.empty(len(predicted), dtype=np.int64)
    group[order] = np.minimum((place * n_groups).astype(np.int64), n_groups - 1)[first_equal]
    return np.unique(group, return_inverse=True)[1].astype(np.int64)
