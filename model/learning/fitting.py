"""From a cohort to a `Predictor`: rows, features, scaling, one hazard per cause, draws around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from joblib import delayed
from threadpoolctl import threadpool_limits

from model.errors import BadInputError, Problem
from model.features import at_landmark, baseline_features, feature_list
from model.landmarks import at_risk, supported_until
from model.onset.boosting import Trees
from model.onset.estimate import CauseFit, believed, events_and_expected, fit_causes
from model.onset.grid import TimeGrid
from model.onset.presence import N_STAGES, Presence, Readings
from model.onset.prior import hazard_prior
from model.onset.scaling import Scaling
from model.onset.splines import Splines
from model.onset.training import TrainingData, rough_count, watch
from model.onset.usual import UsualMarkers
from model.predictor import CauseModel, Fitted, FittedPresence, Predictor, fading_features
from model.watch import runner, unwatched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.onset.hazard import Parameters
    from model.onset.prior import HazardPrior
    from model.study.definition import Study
    from model.types import FloatArray, Histories, IntArray, Outcomes
    from model.watch import Watch

N_DRAWS = 200
LEARNERS = ("published", "linear", "splines", "boosting")  # simplest first
# With fewer target events than this, what is published may say more about effects than the cohort does: the number
# from which updating a model estimates them anew, too.
PUBLISHED_BELOW = 100


def training_data(study: Study, histories: Histories, outcomes: Outcomes, *, bends: bool = False) -> TrainingData:
    """Lay out the landmark rows of a cohort and learn how to scale their features; `bends` adds splines."""
    grid = TimeGrid.of(study, until=supported_until(study, outcomes))
    rows = at_risk(grid.landmark_month, outcomes.exit_month)
    features = at_landmark(study, histories, rows.patient, rows.landmark_month)
    described = feature_list(study)
    first = baseline_features(study, histories.baseline)
    scaling = Scaling.learn(features, described, first)
    baselines = scaling.baselines_of(first)
    completed = baselines.expected[rows.patient]
    scores = scaling.apply(features, completed)
    last = [index for index, feature in enumerate(described) if feature.what == "last"]
    value = np.where(np.isnan(features[:, last]), np.nan, scores[:, last])
    scaling = replace(scaling, usual=UsualMarkers.learn(value, completed, rows.patient))
    if bends:
        scaling = replace(scaling, splines=Splines.learn(scores, ~np.isnan(features), described))
        scores = scaling.apply(features, completed)
    readings = Readings.of(features, scores, described, scaling, rows.landmark_month)
    return TrainingData(
        study, histories, outcomes, grid, rows, scaling, baselines, scores, fading_features(described), readings
    )


def fit_predictor(
    study: Study,
    histories: Histories,
    outcomes: Outcomes,
    *,
    seed: int,
    published: bool = True,
    learner: str = "linear",
) -> tuple[Predictor, tuple[CauseFit, ...]]:
    """Fit every cause of a study.

    Parameters
    ----------
    seed : of the draws around the maximum and of boosting; the fit itself is not random
    published : whether what the study says was published is used; if not, the model's study does not hold it either
    learner : one of LEARNERS: what is published and nothing else, where hazards are; straight lines; bends as well; or
        straight lines and what boosting finds beside them

    One thread of linear algebra, whatever the machine has: sums must not depend on how work was split.
    """
    study = study if published else study.without_priors()
    with threadpool_limits(limits=1):
        data = training_data(study, histories, outcomes, bends=learner == "splines")
        causes = range(1, len(study.event) + 1)
        seen = [watch(data, cause) if study.found_by_test(cause) else None for cause in causes]
        if learner == "published":
            stated = [k for k in causes if study.event[k - 1].prior]
            known = {k: believed(data, _prior(data, k), cause=k) for k in stated}
            known |= fit_causes(data, {k: (seen[k - 1], _prior(data, k)) for k in causes if k not in known})
            fits = tuple(known[k] for k in causes)
            return _predictor(data, fits, seed=seed), fits
        if learner == "boosting":
            trees = tuple(
                Trees.grow(data.scores, *events_and_expected(data, each, cause=k, prior=_prior(data, k)), seed=seed)
                for k, each in enumerate(seen, 1)
            )
            own = [each.log_ratio(data.scores)[:, None] for each in trees]
            scores = np.concatenate([data.scores, *own], axis=1)
            data = replace(data, scaling=replace(data.scaling, trees=trees), scores=scores)
            seen = [each and (replace(each[0], scores=scores), each[1]) for each in seen]
        fits = tuple(fit_causes(data, {k: (seen[k - 1], _prior(data, k)) for k in causes}).values())
        return _predictor(data, fits, seed=seed), fits


def learners_for(study: Study, outcomes: Outcomes) -> tuple[str, ...]:
    """Return the learners worth comparing: what is published alone only with few target events, all of them stated."""
    few = np.isin(outcomes.cause, study.targets).sum() < PUBLISHED_BELOW
    stated = all(study.event[cause - 1].prior for cause in study.targets)
    return LEARNERS if few and stated else LEARNERS[1:]


def prior_alone(study: Study, histories: Histories, outcomes: Outcomes, *, seed: int) -> Predictor:
    """Return what the study's published figures say by themselves; the cohort only tells how its features are spread.

    Where nothing is published about how often an event happens, the cohort's own rate stands in.
    """
    with threadpool_limits(limits=1):
        data = training_data(study, histories, outcomes)
        causes = range(1, len(study.event) + 1)
        return _predictor(data, [believed(data, _prior(data, cause), cause=cause) for cause in causes], seed=seed)


def fit_without_folds(
    study: Study,
    histories: Histories,
    outcomes: Outcomes,
    fold: IntArray,
    *,
    seed: int,
    jobs: int,
    learner: str = "linear",
    watch: Watch = unwatched,
) -> Sequence[Predictor]:
    """Fit one predictor per fold, on the patients outside it; `fold` is (n_patients,) from 0."""
    numbers = range(int(fold.max()) + 1)
    tasks = (
        delayed(fit_predictor)(
            study, histories.select(fold != k), outcomes.select(fold != k), seed=seed, learner=learner
        )
        for k in numbers
    )
    return [predictor for predictor, _ in runner(jobs, watch)("folds left out", tasks)]


def priors_without_folds(
    study: Study,
    histories: Histories,
    outcomes: Outcomes,
    fold: IntArray,
    *,
    seed: int,
    jobs: int,
    watch: Watch = unwatched,
) -> Sequence[Predictor]:
    """Return `prior_alone` for each fold, on the patients outside it; `fold` is (n_patients,) from 0."""
    tasks = (
        delayed(prior_alone)(study, histories.select(fold != k), outcomes.select(fold != k), seed=seed)
        for k in range(int(fold.max()) + 1)
    )
    return list(runner(jobs, watch)("prior alone", tasks))


def check_learned(study: Study, outcomes: Outcomes) -> None:
    """Refuse a cohort whose target events all come too late to be used: raises BadInputError."""
    closed = supported_until(study, outcomes) + study.horizon_months[-1]
    if not (np.isin(outcomes.cause, study.targets) & (outcomes.exit_month <= closed)).any():
        rule = "every target event lies beyond landmark_until and the longest horizon: nothing can be learned"
        raise BadInputError([Problem("outcomes", None, "event", rule)])


def _prior(data: TrainingData, cause: int) -> HazardPrior:
    events, exposure = rough_count(data, cause)
    features = feature_list(data.study)
    return hazard_prior(data.study, features, data.scaling, cause=cause, events=events, exposure=exposure)


def _predictor(data: TrainingData, fits: Sequence[CauseFit], *, seed: int) -> Predictor:
    rng = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,))) for key in range(len(fits) + 2)]
    presence = _presences(fits, rng[-1])
    causes = tuple(_cause_model(*each) for each in zip(fits, presence, rng[1:-1], strict=True))
    luck = rng[0].standard_normal((N_DRAWS, data.baselines.recorded.shape[1]))
    supported = float(data.grid.landmark_month[-1])
    return Predictor(data.study, data.grid, data.scaling, causes, supported, luck)


def _presences(fits: Sequence[CauseFit], rng: np.random.Generator) -> list[FittedPresence | None]:
    """Draw what markers say of all causes at once: where one cause explains less, others explain more."""
    learned = next((fit.presence for fit in fits if fit.presence is not None), None)
    if learned is None:
        return [None] * len(fits)
    luck = rng.standard_normal((N_DRAWS, learned.effect.size))
    drawn = _drawn(learned.effect.ravel(), learned.covariance, luck).reshape(N_DRAWS, *learned.effect.shape)
    stages = [slice(fit.place * N_STAGES, (fit.place + 1) * N_STAGES) for fit in fits]
    return [
        None if fit.presence is None else FittedPresence(Presence(learned.effect[where]), Presence(drawn[:, where]))
        for fit, where in zip(fits, stages, strict=True)
    ]


def _cause_model(fit: CauseFit, presence: FittedPresence | None, rng: np.random.Generator) -> CauseModel:
    """Draw around the maxima; the same luck for both hazards of a cause, since they say nearly the same."""
    luck = rng.standard_normal((N_DRAWS, len(fit.covariance)))
    hazard = _fitted(fit.parameters, fit.covariance, luck)
    if fit.past is None:
        return CauseModel(hazard, None, fit.n_events)
    level = len(fit.parameters.shape) - 1  # The last bin's luck is the level's, then clock and effects follow in both.
    past = _fitted(fit.past.parameters, fit.past.covariance, luck[:, level : level + len(fit.past.covariance)])
    return CauseModel(hazard, past, fit.n_events, presence)


def _fitted(best: Parameters, covariance: FloatArray, luck: FloatArray) -> Fitted:
    """Draw from the normal approximation around a maximum.

    The symmetric root keeps each parameter's luck mostly its own, so that equal luck moves two fits alike.
    """
    drawn = _drawn(best.pack(), covariance, luck)
    return Fitted(best, best.like(drawn))


def _drawn(best: FloatArray, covariance: FloatArray, luck: FloatArray) -> FloatArray:
    value, vector = np.linalg.eigh(covariance)
    return np.asarray(best + luck @ (vector * np.sqrt(np.maximum(value, 0.0))) @ vector.T)
