"""A fitted model behind one question: the risk of these patients, from what was known at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from model.errors import NotSupportedError
from model.features import Feature, at_landmark, feature_list
from model.onset.estimate import past_hazard
from model.onset.hazard import Parameters, log_hazard
from model.onset.incidence import cumulative_incidence, share_unseen, with_unseen
from model.onset.observation import result_likelihood
from model.onset.posterior import onset_posterior

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.onset.grid import TimeGrid
    from model.onset.scaling import Scaling
    from model.study import Study
    from model.types import FloatArray, Histories, IntArray

PATIENTS_AT_ONCE = 2000
BAND = (0.025, 0.975)
LEAST_NONE = 1e-12


@dataclass(frozen=True)
class Forecast:
    """Risks of patients, each from their own moment on.

    Attributes
    ----------
    month : (n_steps,) months past the moment, from 0
    unseen : (..., n_patients, n_causes) P(present and not yet seen now)
    incidence : (..., n_patients, n_causes, n_steps) P(present by then), in the presence of the other causes

    A leading axis, where there is one, is over draws of the parameters.
    """

    month: FloatArray
    unseen: FloatArray
    incidence: FloatArray

    def at(self, horizon_month: float) -> FloatArray:
        """Incidence at one horizon, (..., n_patients, n_causes), linear between steps."""
        place = np.interp(horizon_month, self.month, np.arange(len(self.month)))
        before = min(int(place), len(self.month) - 2)
        share = place - before
        return np.asarray(self.incidence[..., before] * (1 - share) + self.incidence[..., before + 1] * share)

    def band(self) -> tuple[Forecast, Forecast]:
        """Lower and upper end of the 95 % band over the draws."""
        unseen, incidence = (np.quantile(draws, BAND, axis=0) for draws in (self.unseen, self.incidence))
        return Forecast(self.month, unseen[0], incidence[0]), Forecast(self.month, unseen[1], incidence[1])


@dataclass(frozen=True)
class CauseModel:
    """The fitted hazard of one cause: its maximum, draws around it, and how many events it rests on."""

    parameters: Parameters
    draws: Parameters
    n_events: int


@dataclass(frozen=True)
class Predictor:
    """Everything that a prediction needs.

    Attributes
    ----------
    causes : one model per event of the study, in order
    supported_until_month : the last moment for which answers are given
    """

    study: Study
    grid: TimeGrid
    scaling: Scaling
    causes: tuple[CauseModel, ...]
    supported_until_month: float

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The columns behind the scores; scores beyond them say that a source is missing."""
        return feature_list(self.study)

    @cached_property
    def fading(self) -> IntArray:
        """Scores with a part that wears off."""
        return fading_features(self.features)

    def predict(self, histories: Histories, as_of_month: FloatArray) -> Forecast:
        """Predict from what was recorded by `as_of_month`, (n_patients,), nothing having been found by then.

        Raises NotSupportedError if a moment lies beyond what the model learned from.
        """
        return self._in_chunks(histories, as_of_month, [cause.parameters for cause in self.causes], PATIENTS_AT_ONCE)

    def predict_draws(self, histories: Histories, as_of_month: FloatArray) -> Forecast:
        """Predict with every draw of the parameters: a leading axis of n_draws."""
        draws = [cause.draws for cause in self.causes]
        return self._in_chunks(histories, as_of_month, draws, max(PATIENTS_AT_ONCE // len(draws[0].shape), 1))

    def scores(self, histories: Histories, as_of_month: FloatArray) -> FloatArray:
        """Standard scores at each patient's moment, (n_patients, n_scores)."""
        patient = np.arange(len(histories))
        return self.scaling.apply(at_landmark(self.study, histories, patient, as_of_month))

    def check_supported(self, as_of_month: FloatArray) -> None:
        """Raise NotSupportedError for a moment before 0 or beyond what the model learned from."""
        if (as_of_month < 0).any():
            raise NotSupportedError("a prediction cannot be made for a time before the origin")
        latest = float(as_of_month.max(initial=0.0))
        if latest > self.supported_until_month:
            raise NotSupportedError(
                f"{latest:.1f} months after the origin is not supported: the training cohort has too few later "
                f"events beyond month {self.supported_until_month:g}"
            )

    def _in_chunks(
        self, histories: Histories, as_of_month: FloatArray, parameters: Sequence[Parameters], size: int
    ) -> Forecast:
        self.check_supported(as_of_month)
        parts = [
            self._forecast(
                histories.select(np.arange(start, min(start + size, len(histories)))),
                as_of_month[start : start + size],
                parameters,
            )
            for start in range(0, max(len(histories), 1), size)
        ]
        return Forecast(
            self.grid.risk_month,
            np.concatenate([part[0] for part in parts], axis=-2),
            np.concatenate([part[1] for part in parts], axis=-3),
        )

    def _forecast(
        self, histories: Histories, as_of_month: FloatArray, parameters: Sequence[Parameters]
    ) -> tuple[FloatArray, FloatArray]:
        """Unseen now and incidence from now on, (..., n_patients, n_causes[, n_steps])."""
        histories = histories.until(as_of_month)
        patient, landmark = np.nonzero(self.grid.landmark_month[None, :] <= as_of_month[:, None])
        features = at_landmark(self.study, histories, patient, self.grid.landmark_month[landmark])
        past_scores = self.scaling.apply(features)
        row_of = np.zeros((len(histories), len(self.grid.landmark_month)), dtype=np.int64)
        row_of[patient, landmark] = np.arange(len(patient))
        scores = self.scores(histories, as_of_month)
        middle = (self.grid.risk_month[1:] + self.grid.risk_month[:-1]) / 2
        bins = self.grid.hazard_bin(middle)
        hazard, odds = [], []
        for cause, parameter in enumerate(parameters, 1):
            rate = np.exp(log_hazard(parameter, scores, self.fading, self.grid, bins))
            hazard.append(np.moveaxis(rate, 0, -2))  # draws first, then patients
            if not self.study.found_by_test(cause):
                odds.append(np.zeros(hazard[-1].shape[:-1]))
                continue
            results = result_likelihood(self.study, histories, self.grid, cause=cause, end_month=as_of_month)
            past = past_hazard(parameter, past_scores, self.fading, self.grid, row_of)
            posterior = onset_posterior(past, results)
            # A draw may call an onset all but certain; the floor keeps its odds a number.
            odds.append((1.0 - posterior.none) / np.maximum(posterior.none, LEAST_NONE))
        unseen = share_unseen(np.stack(odds, axis=-1))
        incidence = cumulative_incidence(np.stack(hazard, axis=-2), np.diff(self.grid.risk_month))
        return unseen, with_unseen(incidence, unseen)


def fading_features(features: tuple[Feature, ...]) -> IntArray:
    """Positions of the features whose effect has a part that wears off."""
    return np.array([index for index, feature in enumerate(features) if feature.fades], dtype=np.int64)
