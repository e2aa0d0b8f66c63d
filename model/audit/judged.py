"""Predictions held against what happened, by one cause and at one horizon: every figure of it, under every draw."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from model.audit.calibration import intercept_and_slope
from model.audit.concordance import Pairs
from model.audit.metrics import (
    brier_of_everyone_alike,
    brier_score,
    cumulative_dynamic_auc,
    observed_incidence,
    observed_over_expected,
    scaled_brier,
)
from model.audit.nonparametric import censoring_survival
from model.audit.smooth_calibration import smooth_calibration
from model.audit.weights import ipc_weights

if TYPE_CHECKING:
    from model.audit.nonparametric import StepCurve
    from model.types import BoolArray, FloatArray, IntArray

# Below either of these no figure is given: an interval from fewer would look like knowledge.
MIN_EVENTS = 10
MIN_FOLLOWED = 10
FIGURES = ("brier", "brier_null", "ipa", "auc", "concordance", "oe", "intercept", "slope", "ici", "e50", "e90")


@dataclass(frozen=True)
class Judged:
    """What happened to some patients, seen from one moment, as regards one cause and one horizon.

    Attributes
    ----------
    of_cause : 1..K
    horizon_months : in the unit of `months_to_exit`, which is months except in predictions of others
    months_to_exit, cause : (n_rows,) from the moment of prediction
    count : (1 + n_draws, n_rows) how often each patient counts, once in the first row
    censoring : G(t) of these rows under each of these counts
    weight : (1 + n_draws, n_rows) the same times the inverse probability of censoring weights
    """

    of_cause: int
    horizon_months: float
    months_to_exit: FloatArray
    cause: IntArray
    count: FloatArray
    censoring: StepCurve
    weight: FloatArray

    @cached_property
    def case(self) -> BoolArray:
        """Whether this cause ended follow-up within the horizon, (n_rows,)."""
        return np.asarray((self.cause == self.of_cause) & (self.months_to_exit <= self.horizon_months))

    @cached_property
    def _pairs(self) -> Pairs:
        who = (self.months_to_exit, self.cause, self.count, self.of_cause)
        return Pairs(*who, self.horizon_months, self.censoring)

    @property
    def too_few(self) -> str | None:
        """Why no figure is given, or None."""
        n_followed = int((self.months_to_exit > self.horizon_months).sum())
        if self.case.sum() < MIN_EVENTS:
            return f"too few events ({self.case.sum()})"
        return f"too few still followed ({n_followed})" if n_followed < MIN_FOLLOWED else None

    def figures(
        self, predicted: FloatArray, *, ranked_by: FloatArray | None = None, regressed_on: FloatArray | None = None
    ) -> dict[str, FloatArray]:
        """Work out FIGURES under every draw, (1 + n_draws,) each; what does not exist is NaN.

        Parameters
        ----------
        predicted : (n_rows,) P(this cause within the horizon)
        ranked_by, regressed_on : (n_rows,) what stands for it in AUC and concordance, and where it is regressed on
        """
        case, weight = self.case, self.weight
        ranked_by = predicted if ranked_by is None else ranked_by
        regressed_on = predicted if regressed_on is None else regressed_on
        brier, brier_null = brier_score(predicted, case, weight), brier_of_everyone_alike(case, weight)
        intercept, slope = intercept_and_slope(regressed_on, case, weight)
        curve = smooth_calibration(
            regressed_on,
            self.months_to_exit,
            self.cause,
            self.count,
            of_cause=self.of_cause,
            horizon_months=self.horizon_months,
            censoring=self.censoring,
        )
        return {
            "brier": brier,
            "brier_null": brier_null,
            "ipa": scaled_brier(brier, brier_null),
            "auc": cumulative_dynamic_auc(ranked_by, case, weight),
            "concordance": self._pairs.concordance(ranked_by),
            "oe": observed_over_expected(predicted, observed_incidence(case, weight), self.count),
            "intercept": intercept,
            "slope": slope,
            "ici": curve.ici,
            "e50": curve.e50,
            "e90": curve.e90,
        }


def judge(
    months_to_exit: FloatArray, cause: IntArray, count: FloatArray, *, n_causes: int, horizon_months: float
) -> list[Judged]:
    """Sort out what happened by one horizon, cause by cause (1..n_causes); they share their weights.

    months_to_exit, cause : (n_rows,); count : (1 + n_draws, n_rows)
    """
    censoring = censoring_survival(months_to_exit, cause, count)
    weight = count * ipc_weights(months_to_exit, cause, horizon_months=horizon_months, censoring=censoring)
    return [Judged(k, horizon_months, months_to_exit, cause, count, censoring, weight) for k in range(1, n_causes + 1)]
