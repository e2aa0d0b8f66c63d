"""Fit a model to a local site: shift its hazards, stretch its effects, or let every number move as far as data ask.

All three are one climb of the local patients' likelihood from the old numbers, along one direction, two, or all. A
number is worth estimating anew once what the site says about it outweighs how alike sites are: once information times
(spread between sites)^2 exceeds 1; before that it costs more log likelihood than it brings (half a unit, as in AIC).
With the spreads below that is at 8 events for the level, at about 50 for the slope (where patients' log hazards spread
by 0.7), and at 100 for an effect per standard deviation. That few events allow a shift and only many a revision, then
with shrinkage, is from Steyerberg et al., Statistics in Medicine 23 (2004) 2567-2586, and Vergouwe et al., Statistics
in Medicine 36 (2017) 4529-4539; the numbers are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from joblib import Parallel, delayed
from scipy.linalg import cho_factor, cho_solve, inv
from threadpoolctl import threadpool_limits

from model.learning.laid_out import View, view_results, view_rows
from model.predictor import CauseModel, Fitted, Predictor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.learning.laid_out import LaidOut
    from model.onset.hazard import Parameters
    from model.types import BoolArray, FloatArray, IntArray

Method = Literal["kept", "intercept", "slope", "refit"]
# Local events of a cause from which each is chosen, most demanding first.
FEWEST_EVENTS: dict[Method, int] = {"refit": 100, "slope": 50, "intercept": 10}
# Standard deviations between sites: of the log hazard (95 % within a factor of 2 either way), of the slope, and of what
# all other differences in effects together add to patients' log hazards.
LEVEL_SPREAD, SLOPE_SPREAD, EFFECT_SPREAD = float(np.log(2) / 1.96), 0.2, 0.3
# Of the shift and of the slope: so vague that they matter only where next to nothing was observed.
VAGUE_SD = np.array([2.0, 1.0])
MAX_ITERATIONS = 100
TOLERANCE = 1e-4  # of the penalised log likelihood that a step still promises


@dataclass(frozen=True)
class Moved:
    """One hazard after its climb.

    Attributes
    ----------
    amount : (n_ways,) how far it went: the shift of the log hazard, then what the slope differs from 1; or every number
    covariance : (n_ways, n_ways)
    """

    fitted: Fitted
    amount: FloatArray
    covariance: FloatArray
    converged: bool


@dataclass(frozen=True)
class CauseUpdate:
    """What was done to one cause.

    Attributes
    ----------
    n_events : local patients in whom it was observed
    hazard, past : its two hazards, as in CauseModel; None where it was not moved
    """

    method: Method
    n_events: int
    hazard: Moved | None = None
    past: Moved | None = None

    @property
    def converged(self) -> bool:
        """Whether every climb reached its top."""
        return all(moved is None or moved.converged for moved in (self.hazard, self.past))


def method_for(n_events: int) -> Method:
    """Choose by the number of local events of a cause."""
    return next((method for method, fewest in FEWEST_EVENTS.items() if n_events >= fewest), "kept")


def update_predictor(
    old: Predictor,
    patients: LaidOut,
    *,
    seed: int,
    methods: Sequence[Method] | None = None,
    near: Sequence[CauseUpdate] | None = None,
    forecasts: bool = True,
    jobs: int = 1,
) -> tuple[Predictor, tuple[CauseUpdate, ...]]:
    """Update every cause of a model from local patients.

    Parameters
    ----------
    patients : laid out for `old`
    seed : of the draws; the estimates are not random
    methods : one per cause; None = each by the number of its events. A cause without any is kept
    near : an update of nearly the same patients by the same methods, to start from: the result is the same, sooner
    forecasts : whether the hazard past the moment of prediction is moved too where tests find the cause
    jobs : processes that causes are shared out to
    """
    updates = Parallel(n_jobs=jobs)(
        delayed(_update_cause)(
            old,
            patients,
            number,
            None if methods is None else methods[number - 1],
            np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,))),
            near=None if near is None else near[number - 1],
            forecasts=forecasts,
        )
        for number in range(1, len(old.causes) + 1)
    )
    causes = tuple(_applied(cause, update) for cause, update in zip(old.causes, updates, strict=True))
    return replace(old, causes=causes), tuple(updates)


def update_without_folds(
    old: Predictor, patients: LaidOut, fold: IntArray, whole: Sequence[CauseUpdate], *, seed: int, jobs: int
) -> list[Predictor]:
    """Update once per fold, (n_patients,) from 0, from the patients outside it, by the methods of the whole.

    Only as far as `LaidOut.log_likelihoods` judges: where tests find a cause, its forecast stays the old one.
    """
    methods = [update.method for update in whole]
    updates = Parallel(n_jobs=jobs)(
        delayed(update_predictor)(
            old, patients.select(fold != k), seed=seed, methods=methods, near=whole, forecasts=False
        )
        for k in range(int(fold.max()) + 1)
    )
    return [predictor for predictor, _ in updates]


def climb(
    view: Callable[[FloatArray], View],
    start: FloatArray,
    ways: FloatArray,
    precision: FloatArray,
    near: FloatArray | None = None,
) -> tuple[FloatArray, View, bool]:
    """Maximise a likelihood along directions, penalised for leaving the start.

    Parameters
    ----------
    ways : (n_parameters, n_ways) the directions
    precision : (n_ways, n_ways) of the penalty
    near : (n_ways,) how far along each the top is thought to be

    Returns (how far along each way, the view from there, whether that is the top).
    """
    amount = np.zeros(ways.shape[1]) if near is None else near
    here = view(start + ways @ amount)
    for _ in range(MAX_ITERATIONS):
        gradient = ways.T @ here.gradient - precision @ amount
        step = cho_solve(cho_factor(ways.T @ here.curvature @ ways + precision), gradient)
        promised = float(gradient @ step) / 2
        height = here.log_likelihood - amount @ precision @ amount / 2
        for _ in range(30):
            moved = amount + step
            there = view(start + ways @ moved)
            if promised < TOLERANCE or there.log_likelihood - moved @ precision @ moved / 2 >= height:
                break
            step = step / 2
        amount, here = moved, there
        if promised < TOLERANCE:  # Taken all the same: it is worked out.
            return amount, here, True
    return amount, here, False


def _update_cause(
    old: Predictor,
    patients: LaidOut,
    number: int,
    asked: Method | None,
    rng: np.random.Generator,
    *,
    near: CauseUpdate | None,
    forecasts: bool,
) -> CauseUpdate:
    """First the hazard between landmarks; then, from where that puts the beginnings, the forecast's, as in training."""
    n_events = int(patients.happened[number - 1].sum())
    method = asked or method_for(n_events)
    if method == "kept" or not n_events:
        return CauseUpdate("kept", n_events)
    with threadpool_limits(limits=1):
        hazard, past = _moved(old, patients, number, method, rng, near=near, forecasts=forecasts)
    return CauseUpdate(method, n_events, hazard, past)


def _moved(
    old: Predictor,
    patients: LaidOut,
    number: int,
    method: Method,
    rng: np.random.Generator,
    *,
    near: CauseUpdate | None,
    forecasts: bool,
) -> tuple[Moved | None, Moved | None]:
    cause, watched = old.causes[number - 1], patients.watched[number - 1]
    timed = np.array([feature.what == "time" for feature in old.features])
    luck = rng.standard_normal(cause.hazard.draws.pack().shape)
    # The last bin's luck is the level's; both hazards of a cause share it, since they say nearly the same.
    shared = luck[:, len(cause.hazard.best.shape) - 1 :]
    past = None
    if watched is not None and cause.past is not None:
        past = _move(
            cause.past, view_results(watched), method, timed, shared, near=near.past if near else None, exact=False
        )
    if past is not None and not forecasts:
        return None, past
    around = cause.hazard.best.around
    rows = patients.rows_of(number, None if past is None else past.fitted.best, around=around)
    its_luck = luck if method == "refit" else shared
    hazard = _move(
        cause.hazard, view_rows(rows), method, timed, its_luck, near=near.hazard if near else None, exact=past is None
    )
    return hazard, past


def _applied(cause: CauseModel, update: CauseUpdate) -> CauseModel:
    if update.method == "kept":
        return cause
    hazard = cause.hazard if update.hazard is None else update.hazard.fitted
    past = cause.past if update.past is None else update.past.fitted
    return CauseModel(hazard, past, cause.n_events + update.n_events, cause.presence)


def _move(
    old: Fitted,
    view: Callable[[Parameters], View],
    method: Method,
    timed: BoolArray,
    luck: FloatArray,
    *,
    near: Moved | None,
    exact: bool,
) -> Moved:
    """Climb from the old numbers and draw around the top.

    timed : (n_features,) which effects are those of time; luck : (n_draws, at least n_ways) standard normal
    exact : whether times are known: then the curvature is the information, and rows of one patient are about one life;
    otherwise the information is the spread of the patients' scores, which allows for what was not seen
    """
    start, draws = old.best.pack(), old.draws.pack()
    if method == "refit":
        ways = np.eye(len(start))
        precision = inv(np.cov(draws, rowvar=False) + _between_sites(old.best, timed))
    else:
        ways = _ways(old.best, timed, method)
        precision = np.diag(VAGUE_SD[: ways.shape[1]] ** -2.0)
    begin = None if near is None else near.amount

    def see(vector: FloatArray) -> View:
        return view(old.best.like(vector))

    amount, top, converged = climb(see, start, ways, precision, begin)
    scores = top.patient_scores()
    spread = scores.T @ scores
    information = top.curvature if exact else spread
    bread = inv(ways.T @ information @ ways + precision)
    covariance = bread @ (ways.T @ spread @ ways + precision) @ bread
    value, vector = np.linalg.eigh(covariance)
    wander = luck[:, : len(amount)] @ (vector * np.sqrt(np.maximum(value, 0.0))) @ vector.T
    moved = start + ways @ amount
    if method == "refit":
        drawn = moved + wander
    else:
        own = _ways(old.draws, timed, method)
        drawn = draws + own @ amount
        # From a draw that was too high the site would have gone up by less: to first order, by this much.
        less = (drawn - moved) @ information @ ways @ bread
        drawn = drawn + np.einsum("dpw,dw->dp", own, wander - less)
    return Moved(Fitted(old.best.like(moved), old.best.like(drawn)), amount, covariance, converged)


def _ways(parameters: Parameters, timed: BoolArray, method: Method) -> FloatArray:
    """Directions of the level and, for the slope, of all effects but that of time, (..., n_parameters, n_ways).

    Scores are 0 at the training mean, so the slope turns about the average patient. The effect of time is the hazard's
    shape, not what tells patients apart.
    """
    none = parameters.like(np.zeros_like(parameters.pack()))
    level = replace(none, shape=np.ones_like(parameters.shape))
    steady = parameters.steady.copy()
    steady[..., np.flatnonzero(timed)] = 0.0
    effects = replace(none, steady=steady, wearing_off=parameters.wearing_off)
    ways = [level, effects] if method == "slope" else [level]
    return np.stack([way.pack() for way in ways], axis=-1)


def _between_sites(parameters: Parameters, timed: BoolArray) -> FloatArray:
    """Covariance of what differs between sites, (n_parameters, n_parameters).

    Added to the uncertainty of the old numbers, it predicts those of a new site (Neuenschwander et al., Clinical Trials
    7 (2010) 5-18); effects so shrink towards the recalibrated ones, as Steyerberg et al. recommend.
    """
    ways = _ways(parameters, timed, "slope") * [LEVEL_SPREAD, SLOPE_SPREAD]
    n_bins = len(parameters.shape)
    n_others = len(parameters.pack()) - n_bins
    each = np.repeat([0.0, EFFECT_SPREAD**2 / n_others], [n_bins, n_others])
    return np.asarray(ways @ ways.T + np.diag(each))
