"""A fitted model behind one question: the risk of these patients, from what was known at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from model.errors import NotSupportedError
from model.features import Feature, at_landmark, baseline_features, feature_list
from model.forecast import Forecast
from model.onset.maturation import compete
from model.onset.observation import Ending, result_likelihood
from model.onset.outlook import Moment, begun_odds, future_hazard, outlook
from model.onset.pace import PaceRule
from model.onset.presence import Readings

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.onset.grid import TimeGrid
    from model.onset.growth import Growth
    from model.onset.hazard import Parameters
    from model.onset.missing import Baselines
    from model.onset.observation import PacedLikelihood
    from model.onset.outlook import Begun
    from model.onset.presence import Presence
    from model.onset.scaling import Scaling
    from model.study.definition import Study
    from model.types import FloatArray, Histories, IntArray

PATIENTS_AT_ONCE = 500
Which: TypeAlias = "Callable[[Any], Any]"
"""Takes one set of parameters out of what was fitted: the best estimate, or draws."""


@dataclass(frozen=True)
class Fitted:
    """Fitted parameters: their maximum, and draws around it."""

    best: Parameters
    draws: Parameters


@dataclass(frozen=True)
class FittedPresence:
    """What markers say of beginnings: at its maximum, and draws around it."""

    best: Presence
    draws: Presence


@dataclass(frozen=True)
class CauseModel:
    """What was fitted to one cause.

    Attributes
    ----------
    hazard : of what is to come, past the moment of prediction
    past : of what has begun until then, between landmarks; None for a cause whose time is known
    n_events : how many patients with the event they rest on
    presence : what markers say of beginnings; None without markers, and for a cause whose time is known
    """

    hazard: Fitted
    past: Fitted | None
    n_events: int
    presence: FittedPresence | None = None


@dataclass(frozen=True)
class Situation:
    """What is known of some patients at their moments, whatever the parameters: a best estimate and its draws share it.

    Attributes
    ----------
    results : of each cause; None for one whose time is known
    """

    baselines: Baselines
    moment: Moment
    results: tuple[PacedLikelihood | None, ...]


@dataclass(frozen=True)
class Predictor:
    """Everything that a prediction needs.

    Attributes
    ----------
    causes : one model per event of the study, in order
    supported_until_month : the last moment for which answers are given
    luck : (n_draws, n_first) standard normal: where a draw puts each baseline that is missing
    """

    study: Study
    grid: TimeGrid
    scaling: Scaling
    causes: tuple[CauseModel, ...]
    supported_until_month: float
    luck: FloatArray

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
        (best,) = self._in_chunks(histories, as_of_month, (attrgetter("best"),), PATIENTS_AT_ONCE)
        return best

    def predict_draws(self, histories: Histories, as_of_month: FloatArray) -> Forecast:
        """Predict with every draw of the parameters: a leading axis of n_draws."""
        (drawn,) = self._in_chunks(histories, as_of_month, (attrgetter("draws"),), self._drawn_at_once)
        return drawn

    def predict_both(self, histories: Histories, as_of_month: FloatArray) -> tuple[Forecast, Forecast]:
        """Do both, (the best estimate, every draw), in less time than one after the other."""
        both = attrgetter("best"), attrgetter("draws")
        best, drawn = self._in_chunks(histories, as_of_month, both, self._drawn_at_once)
        return best, drawn

    @property
    def _drawn_at_once(self) -> int:
        return max(PATIENTS_AT_ONCE // len(self.causes[0].hazard.draws.shape), 1)

    def scores(self, histories: Histories, as_of_month: FloatArray) -> FloatArray:
        """Standard scores at each patient's moment, (n_patients, n_scores)."""
        features = at_landmark(self.study, histories, np.arange(len(histories)), as_of_month)
        return self.scaling.apply(features, self.baselines(histories).expected)

    def baselines(self, histories: Histories) -> Baselines:
        """Standard scores of the baselines, the missing ones as expected of the others."""
        return self.scaling.baselines_of(baseline_features(self.study, histories.baseline))

    def growth(self, histories: Histories, cause: int) -> Growth:
        """How a cause would grow in each patient."""
        return self.pace_rules[cause - 1].growth(self.baselines(histories))

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
        self, histories: Histories, as_of_month: FloatArray, which: tuple[Which, ...], size: int
    ) -> list[Forecast]:
        """Forecast by each of some sets of parameters, the best estimate or all draws."""
        self.check_supported(as_of_month)
        if len(histories) <= size:
            situation = self.situation(histories, as_of_month)
            return [Forecast(self.grid.risk_month, *self._forecast(situation, each)) for each in which]
        parts = []
        for start in range(0, len(histories), size):
            who = np.arange(start, min(start + size, len(histories)))
            situation = self.situation(histories.select(who), as_of_month[who])
            parts.append([self._forecast(situation, each) for each in which])
        return [
            Forecast(
                self.grid.risk_month,
                np.concatenate([part[0] for part in of_one], axis=-2),
                np.concatenate([part[1] for part in of_one], axis=-3),
            )
            for of_one in zip(*parts, strict=True)
        ]

    def situation(self, histories: Histories, as_of_month: FloatArray) -> Situation:
        """What is known of the patients by their moments, (n_patients,), nothing having been found by then."""
        histories = histories.until(as_of_month)
        baselines = self.baselines(histories)
        moment = self.moment_at(histories, as_of_month, baselines)
        clean = Ending.nothing_found(as_of_month)
        results = [
            None
            if cause.past is None
            else result_likelihood(self.study, histories, moment.grid, rule.growth(baselines), clean, cause=number)
            for number, (cause, rule) in enumerate(zip(self.causes, self.pace_rules, strict=True), 1)
        ]
        return Situation(baselines, moment, tuple(results))

    def _forecast(self, situation: Situation, which: Which) -> tuple[FloatArray, FloatArray]:
        """Unseen now and incidence from now on, (..., n_patients, n_causes[, n_steps])."""
        baselines, moment = situation.baselines, situation.moment
        drawn = which(self.causes[0].hazard).steady.ndim > 1
        guesses = baselines.guesses(self.luck) if drawn and np.isnan(baselines.recorded).any() else None
        exact, hazards, begun = [], [], []
        for number, cause in enumerate(self.causes, 1):
            hazard = self.hazard_to_come(situation, number, which, guesses=guesses)
            if cause.past is None:
                exact.append(hazard)
                continue
            hazards.append(hazard)
            begun.append(self.begun(situation, number, which, guesses=guesses))
        step = np.diff(self.grid.risk_month)
        shape = (*hazard.shape[:-1], len(step) + 1)
        curves, free = outlook(begun, hazards, moment) if begun else (np.zeros((0, *shape)), np.ones(shape))
        return self._in_order(*compete(np.moveaxis(curves, 0, -2), free, _stack(exact, hazard), step))

    def hazard_to_come(
        self, situation: Situation, cause: int, which: Which, *, guesses: FloatArray | None = None
    ) -> FloatArray:
        """`future_hazard` of one cause, by some set of parameters; `guesses` of the missing baselines for draws."""
        parameters = which(self.causes[cause - 1].hazard)
        unknown = unknown_baselines(situation.baselines, parameters, guesses)
        return future_hazard(parameters, situation.moment, unknown)

    def begun(
        self, situation: Situation, cause: int, which: Which = attrgetter("best"), *, guesses: FloatArray | None = None
    ) -> Begun:
        """What may have begun of a cause that tests find; raises ValueError for another one."""
        fitted, results, baselines = self.causes[cause - 1], situation.results[cause - 1], situation.baselines
        if fitted.past is None or results is None:
            raise ValueError(f"cause {cause} is not found by tests")
        past, growth = which(fitted.past), results.growth
        share = np.broadcast_to(growth.share, growth.pace.shape)
        if guesses is not None:
            share = self.pace_rules[cause - 1].share(baselines, growth, guesses=guesses)
        unknown = unknown_baselines(baselines, past, guesses)
        presence = None if fitted.presence is None else which(fitted.presence)
        return begun_odds(past, situation.moment, results, share=share, unknown=unknown, presence=presence)

    @cached_property
    def pace_rules(self) -> tuple[PaceRule, ...]:
        """How baselines move the pace of each cause."""
        return tuple(PaceRule.of(self.study, cause, self.scaling) for cause in range(1, len(self.causes) + 1))

    def moment_at(self, histories: Histories, as_of_month: FloatArray, baselines: Baselines) -> Moment:
        """Scores at each patient's moment, then at every landmark before it: one pass over the features serves both."""
        patient, landmark = np.nonzero(self.grid.landmark_month[None, :] <= as_of_month[:, None])
        who = np.concatenate([np.arange(len(histories)), patient])
        moment = np.concatenate([as_of_month, self.grid.landmark_month[landmark]])
        row_of = np.zeros((len(histories), len(self.grid.landmark_month)), dtype=np.int64)
        row_of[patient, landmark] = len(histories) + np.arange(len(patient))
        features = at_landmark(self.study, histories, who, moment)
        scores = self.scaling.apply(features, baselines.expected[who])
        n = len(histories)
        readings = Readings.of(features[:n], scores[:n], self.features, self.scaling, as_of_month)
        grid = self.grid.until(float(as_of_month.max(initial=0.0)))
        return Moment(as_of_month, scores, row_of, self.fading, grid, readings)

    def _in_order(self, unseen: FloatArray, incidence: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Put the causes, those found by tests first, in the study's order; an exact one is never there unseen."""
        tested = [cause.past is not None for cause in self.causes]
        place = np.argsort(np.argsort(np.logical_not(tested), kind="stable"), kind="stable")
        nothing = np.zeros((*unseen.shape[:-1], len(tested) - unseen.shape[-1]))
        return np.concatenate([unseen, nothing], axis=-1)[..., place], incidence[..., place, :]


def unknown_baselines(baselines: Baselines, parameters: Parameters, guesses: FloatArray | None) -> FloatArray:
    """What missing baselines may add, by draw, (n_draws, n_patients): nothing to the best estimate."""
    if guesses is None:
        return np.zeros(1)
    return baselines.unknown(parameters.steady[:, : guesses.shape[2]], guesses)


def _stack(curves: list[FloatArray], like: FloatArray) -> FloatArray:
    """Stack curves of causes, (..., n_patients, n_causes, n_steps); none at all keep the other axes."""
    return np.stack(curves, axis=-2) if curves else np.zeros((*like.shape[:-1], 0, like.shape[-1]))


def fading_features(features: tuple[Feature, ...]) -> IntArray:
    """Positions of the features whose effect has a part that wears off."""
    return np.array([index for index, feature in enumerate(features) if feature.fades], dtype=np.int64)
