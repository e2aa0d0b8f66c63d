"""One row of the report: one event, landmark and horizon, with every figure that its number of events can bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model.audit.baselines import ALIKE
from model.audit.metrics import (
    brier_of_everyone_alike,
    brier_score,
    cumulative_dynamic_auc,
    observed_incidence,
    observed_over_expected,
    scaled_brier,
)
from model.audit.nonparametric import censoring_survival
from model.audit.out_of_fold import MODEL
from model.audit.resampling import number
from model.audit.weights import ipc_weights

if TYPE_CHECKING:
    from model.audit.out_of_fold import LandmarkPredictions
    from model.audit.resampling import Number
    from model.types import BoolArray, FloatArray, IntArray

Row = dict[str, Any]

# Below either of these no figure is given: an interval from fewer would look like knowledge.
MIN_EVENTS = 10
MIN_FOLLOWED = 10
FIGURES = ("brier", "brier_null", "ipa", "auc", "oe")


@dataclass(frozen=True)
class Landmark:
    """Everybody at risk at one landmark: what was predicted and what came.

    Attributes
    ----------
    predictions : of n_rows patients
    months_to_exit, cause : (n_rows,)
    count : (1 + n_draws, n_rows) how often each patient counts
    censoring_value : G(t) under each draw
    """

    predictions: LandmarkPredictions
    months_to_exit: FloatArray
    cause: IntArray
    count: FloatArray
