"""Scaled Brier score and AUC where the truth is known: nobody is censored, every patient counts once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.audit.metrics import brier_of_everyone_alike, brier_score, cumulative_dynamic_auc, scaled_brier

if TYPE_CHECKING:
    from model.types import BoolArray, FloatArray


@dataclass(frozen=True)
class Scores:
    """Metrics under bootstrap weights, each (1 + n_draws,): the figure itself first."""

    scaled_brier: FloatArray
    auc: FloatArray


def score(risk: FloatArray, happened: BoolArray, weight: FloatArray) -> Scores:
    """Score risks, (n_patients,), under weights, (1 + n_draws, n_patients)."""
    brier = brier_score(risk, happened, weight)
    return Scores(
        scaled_brier(brier, brier_of_everyone_alike(happened, weight)), cumulative_dynamic_auc(risk, happened, weight)
    )


def expected_scaled_brier(risk: FloatArray, true_risk: FloatArray) -> float:
    """Scaled Brier score that risks have on average over outcomes drawn with the true risks, both (n_patients,).

    The Brier score is then the mean of p (1 - p) + (risk - p)^2, and that of everyone alike is mean p (1 - mean p).
    """
    gained = np.var(true_risk) - np.mean((risk - true_risk) ** 2)
    return float(gained / (true_risk.mean() * (1.0 - true_risk.mean())))
