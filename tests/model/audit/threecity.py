"""A published model's 5-year predictions of dementia for 2,000 persons, and how other software scores them.

Data set `threecity` of the R package pec. Worked out with R's riskRegression, pec, survival, cmprsk, rms and glm,
Python's lifelines, statsmodels and dcurves.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from model.types import FloatArray, IntArray

FILE = Path(__file__).parents[2] / "data" / "threecity.csv"

REFERENCE = {
    # figure: value, tolerance
    "brier": (0.0708662539388, 1e-4),
    "brier_null": (0.07537814591115, 1e-4),
    "ipa": (0.05985676508504, 1e-4),
    "auc": (0.7828133325538, 1e-4),
    "auc_event_free": (0.7965422623469137, 1e-4),
    "concordance": (0.778119, 1e-4),  # pec::cindex, weights of the marginal model; hazardous 0.778123
    "observed": (0.08212174356441, 1e-4),
    "expected": (0.08192863878141, 1e-4),
    "oe": (1.002356987567, 1e-3),
    "intercept": (0.01666051471261, 2e-3),
    "slope": (1.090843593702, 2e-3),
    "ici": (0.0219989258526, 5e-4),
    "e50": (0.01903571301379, 5e-4),
    "e90": (0.04037485325427, 5e-4),
    "net_benefit 0.05": (0.05304483562079, 1e-4),
    "net_benefit 0.1": (0.03264087873291, 1e-4),
    "net_benefit 0.2": (0.001088970191817, 1e-4),
    "treat_all 0.05": (0.03381236164675, 1e-4),
    "treat_all 0.1": (-0.01986472937287, 1e-4),
    "treat_all 0.2": (-0.1473478205445, 1e-4),
}


def reference(figure: str) -> object:
    """What a figure must be equal to."""
    value, tolerance = REFERENCE[figure]
    return pytest.approx(value, abs=tolerance)


def predicted_and_happened() -> tuple[FloatArray, FloatArray, IntArray]:
    """Predicted risk, months of follow-up, and cause of its end (0 censored, 1 dementia, 2 death), (2000,) each."""
    table = pd.read_csv(FILE)
    return table["pred_dementia_5y"].to_numpy(), 12 * table["time"].to_numpy(), table["event"].to_numpy()
