"""What the known baselines of a patient say about the missing ones: a joint normal of their standard scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from model.types import BoolArray, FloatArray, IntArray

MOST_PATIENTS = 2000  # To learn correlations from more would cost time and change nothing that matters.
MAX_ITERATIONS = 60
IMAGINED = 20.0
TOLERANCE = 3e-3
MOST_PATTERNS = 500  # kept, of 8 kB each with thirty columns
LEAST_VARIANCE = 0.02  # of the start along any direction: pairs known of different patients need not fit together


@dataclass(frozen=True)
class JointNormal:
    """Mean and covariance of baselines, learned from patients each of whom may lack some.

    Attributes
    ----------
    mean : (n_columns,)
    covariance : (n_columns, n_columns) positive definite
    """

    mean: FloatArray
    covariance: FloatArray

    @classmethod
    def learn(cls, scores: FloatArray) -> Self:
        """Maximise the likelihood of what is known by EM; `scores` is (n_patients, n_columns), NaN = missing.

        Some imagined patients, in whom nothing goes together, keep few data from saying much.
        Missing values are taken to be missing at random given the known ones (Little and Rubin).
        """
        scores = scores[:: -(-len(scores) // MOST_PATIENTS) or 1]
        n_patients, n_columns = scores.shape
        missing = np.isnan(scores)
        lacking = np.flatnonzero(missing.any(axis=1))
        normal = cls._pairwise(scores)
        for _ in range(MAX_ITERATIONS):
            unknown = normal.spread(missing[lacking])
            filled = normal.filled(scores, lacking, unknown)
            mean = filled.sum(axis=0) / max(n_patients, 1)
            away = filled - mean
            total = away.T @ away + unknown.sum(axis=0) + IMAGINED * np.eye(n_columns)
            better = cls(mean, total / (n_patients + IMAGINED))
            change = np.abs(better.covariance - normal.covariance).max(initial=0.0)
            normal = better
            if change < TOLERANCE:
                break
        return normal

    @classmethod
    def _pairwise(cls, scores: FloatArray) -> Self:
        """Means and covariances of what is known of each pair of columns: a start not far from the maximum."""
        known = (~np.isnan(scores)).astype(np.float64)
        mean = np.nan_to_num(scores).sum(axis=0) / np.maximum(known.sum(axis=0), 1.0)
        away = np.nan_to_num(scores - mean)
        pairs = (away.T @ away + np.eye(scores.shape[1])) / (known.T @ known + 1.0)
        value, vector = np.linalg.eigh(pairs)
        return cls(mean, (vector * np.maximum(value, LEAST_VARIANCE)) @ vector.T)

    @cached_property
    def precision(self) -> FloatArray:
        """Inverse of the covariance."""
        return np.asarray(np.linalg.inv(self.covariance), dtype=np.float64)

    def complete(self, scores: FloatArray) -> FloatArray:
        """Put the mean given the known ones where a score is NaN, (n_patients, n_columns)."""
        return Baselines(scores, self).expected

    def filled(self, scores: FloatArray, lacking: IntArray, spread: FloatArray) -> FloatArray:
        """Do so where `lacking` lists the patients with a gap, and `spread` is that of each."""
        away = np.nan_to_num(scores[lacking] - self.mean)
        expected = self.mean - (spread @ (away @ self.precision)[:, :, None])[..., 0]
        filled = scores.copy()
        filled[lacking] = np.where(np.isnan(scores[lacking]), expected, scores[lacking])
        return filled

    def spread(self, missing: BoolArray) -> FloatArray:
        """Covariance of the missing given the known, zero elsewhere, (n_patients, n_columns, n_columns)."""
        by_pattern, of_patient = self.spread_by_pattern(missing)
        return by_pattern[of_patient]

    def spread_by_pattern(self, missing: BoolArray) -> tuple[FloatArray, IntArray]:
        """Return it for each pattern of gaps, (n_patterns, n_columns, n_columns), and the pattern of each patient."""
        pattern, of_patient = missing, np.arange(len(missing))
        if len(missing) > 1:
            pattern, of_patient = np.unique(missing, axis=0, return_inverse=True)
        keys, known = [row.tobytes() for row in pattern], self._known_patterns
        found = [known.get(key) for key in keys]
        new = np.array([each is None for each in found], dtype=bool)
        if new.any():
            both = pattern[new, :, None] & pattern[new, None, :]
            spreads = np.where(both, np.linalg.inv(np.where(both, self.precision, np.eye(len(self.mean)))), 0.0)
            for place, spread in zip(np.flatnonzero(new), spreads, strict=True):
                found[place] = spread
                if len(known) < MOST_PATTERNS:
                    known[keys[place]] = spread
        shape = (len(pattern), *self.covariance.shape)
        return np.array(found).reshape(shape), of_patient

    @cached_property
    def _known_patterns(self) -> dict[bytes, FloatArray]:
        """Spreads worked out before: a cohort has few patterns of gaps, which come again and again."""
        return {}


@dataclass(frozen=True)
class Baselines:
    """Standard scores of some patients' baselines.

    Attributes
    ----------
    recorded : (n_patients, n_columns) NaN = missing
    """

    recorded: FloatArray
    normal: JointNormal

    @cached_property
    def expected(self) -> FloatArray:
        """The same, the missing ones as expected of the known ones."""
        lacking = np.flatnonzero(np.isnan(self.recorded).any(axis=1))
        if not len(lacking):
            return self.recorded
        by_pattern, of_patient = self.spread_by_pattern
        return self.normal.filled(self.recorded, lacking, by_pattern[of_patient[lacking]])

    @cached_property
    def spread_by_pattern(self) -> tuple[FloatArray, IntArray]:
        """Covariance of what is missing, for each pattern of gaps, and the pattern of each patient."""
        return self.normal.spread_by_pattern(np.isnan(self.recorded))

    @cached_property
    def spread(self) -> FloatArray:
        """Covariance of what is missing, zero elsewhere, (n_patients, n_columns, n_columns)."""
        by_pattern, of_patient = self.spread_by_pattern
        return by_pattern[of_patient]

    def guesses(self, luck: FloatArray) -> FloatArray:
        """How far each missing one may lie from what is expected, (n_draws, n_patients, n_columns); 0 for the known.

        luck : (n_draws, n_columns) standard normal
        """
        gaps = np.isnan(self.recorded)
        root = np.linalg.cholesky(self.spread + np.where(gaps[:, :, None], 0.0, np.eye(gaps.shape[1])))
        return np.asarray((np.where(gaps[:, :, None], root, 0.0) @ luck.T).transpose(2, 0, 1))

    def unknown(self, effects: FloatArray, guesses: FloatArray) -> FloatArray:
        """What the missing ones may add to the log hazard, (n_draws, n_patients), by draw.

        Parameters
        ----------
        effects : (n_draws, n_columns) of the scores on the log hazard
        guesses : (n_draws, n_patients, n_columns)

        Half the variance is taken off: what is expected of a patient already stands for the mean hazard of patients
        about whom as much is known.
        """
        by_pattern, of_patient = self.spread_by_pattern
        variance = ((effects @ by_pattern) * effects).sum(axis=2)  # n_patterns, n_draws
        return np.asarray((guesses @ effects[:, :, None])[..., 0] - variance[of_patient].T / 2)
