"""A fitted model behind one question: the risk of these patients, from what was known at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from model.errors import NotSupportedError
from model.features import Feature, at_landmark, feature_list
from model.onset.estimate import past_hazard
from model.onset.growth import growth_of
from model.onset.hazard import Parameters, log_hazard
from model.onset.maturation import LEAST, delayed, forecast_onsets, onsets_of_the_begun
from model.onset.observation import result_likelihood
from model.onset.posterior import first_beginning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.onset.grid import TimeGrid
    from model.onset.scaling import Scaling
    from model.study import Study
    from model.types import FloatArray, Histories, IntArray

PATIENTS_AT_ONCE = 2000
BAND = (0.025, 0.975)


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
        n_months = len(self.grid.risk_month)
        hazard, matured, odds, delay = [], [], [], []
        for cause, parameter in enumerate(parameters, 1):
            rate = log_hazard(parameter, scores, self.fading, self.grid, landmark_month=as_of_month, past_month=middle)
            hazard.append(np.moveaxis(np.exp(rate), 0, -2))  # draws first, then patients
            if not self.study.found_by_test(cause):
                matured.append(np.zeros((*hazard[-1].shape[:-1], n_months)))
                odds.append(np.zeros(hazard[-1].shape[:-1]))
                delay.append(np.zeros((n_months, n_months)))
                continue
            growth = growth_of(self.study, cause)
            results = result_likelihood(self.study, histories, self.grid, cause=cause, end_month=as_of_month)
            past = past_hazard(parameter, past_scores, self.fading, self.grid, row_of)
            density, never = first_beginning(past, results.width)
            # A draw may call a beginning all but certain; the floor keeps its odds a number.
            weighed = results.by_pace * results.share[:, None] / np.maximum(never, LEAST)[..., None, None]
            begun = density[..., None, :] * weighed
            matured.append(onsets_of_the_begun(begun, results.width, as_of_month, self.grid, growth))
            odds.append(begun.sum(axis=(-2, -1)))
            delay.append(delayed(self.grid, growth))
        return forecast_onsets(
            np.stack(hazard, axis=-2),
            np.stack(matured, axis=-2),
            np.stack(odds, axis=-1),
            np.stack(delay),
            np.diff(self.grid.risk_month),
        )


def fading_features(features: tuple[Feature, ...]) -> IntArray:
    """Positions of the features whose effect has a part that wears off."""
    return np.array([index for index, feature in enumerate(features) if feature.fades], dtype=np.int64)
