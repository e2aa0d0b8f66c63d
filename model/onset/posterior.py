"""The E-step: where a patient's onset may lie, given the hazards and every test result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.onset.observation import ResultLikelihood
    from model.types import FloatArray


@dataclass(frozen=True)
class OnsetPosterior:
    """Posterior of the onset of one cause.

    Attributes
    ----------
    onset : (..., n_onset) P(onset in each bin | results)
    none : (...,) P(no onset before the end | results)
    log_evidence : (...,) log P(results)
    """

    onset: FloatArray
    none: FloatArray
    log_evidence: FloatArray


def onset_posterior(hazard_per_month: FloatArray, results: ResultLikelihood) -> OnsetPosterior:
    """Weigh the hazard's onset distribution by the likelihood of the results.

    hazard_per_month : (n_patients, n_onset), or (n_draws, n_patients, n_onset) for draws
    """
    in_bin = hazard_per_month * results.width
    passed = np.cumsum(in_bin, axis=-1)
    density = np.exp(-(passed - in_bin)) * -np.expm1(-in_bin)
    onset = density * results.given_onset
    none = np.exp(-passed[..., -1]) * results.given_none
    evidence = onset.sum(axis=-1) + none
    return OnsetPosterior(onset / evidence[..., None], none / evidence, np.log(evidence))
