"""The E-step: where a patient's beginning may lie, given the hazards and every test result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.onset.observation import ResultLikelihood
    from model.types import FloatArray


@dataclass(frozen=True)
class OnsetPosterior:
    """Posterior of the beginning of one cause.

    Attributes
    ----------
    beginning : (..., n_onset) P(beginning in each bin | results)
    none : (...,) P(no beginning before the end | results)
    log_evidence : (...,) log P(results)
    """

    beginning: FloatArray
    none: FloatArray
    log_evidence: FloatArray


def onset_posterior(hazard_per_month: FloatArray, results: ResultLikelihood) -> OnsetPosterior:
    """Weigh the hazard's distribution of beginnings by the likelihood of the results.

    hazard_per_month : (n_patients, n_onset), or (n_draws, n_patients, n_onset) for draws
    """
    density, never = first_beginning(hazard_per_month, results.width)
    beginning = density * results.given_beginning
    none = never * results.given_none
    evidence = beginning.sum(axis=-1) + none
    return OnsetPosterior(beginning / evidence[..., None], none / evidence, np.log(evidence))


def first_beginning(hazard_per_month: FloatArray, width: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P(beginning in each bin), (..., n_bins), and P(in none), (...,), from hazards that are constant within bins."""
    in_bin = hazard_per_month * width
    passed = np.cumsum(in_bin, axis=-1)
    return np.exp(in_bin - passed) * -np.expm1(-in_bin), np.exp(-passed[..., -1])
