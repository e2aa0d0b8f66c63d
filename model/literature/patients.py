"""Patients as a published cohort describes them: drawn from its margins, each independent of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from model.literature.published import levels_of
from model.types import NEGATIVE, NOT_DONE, Histories

if TYPE_CHECKING:
    from model.literature.published import Published, Size, SizeLaw, Visits
    from model.study.definition import Study
    from model.types import FloatArray

EARLIEST_VISIT_MONTH = 0.5


def draw_histories(
    study: Study,
    cohort: Published,
    law: SizeLaw,
    visits: Visits,
    exit_month: FloatArray,
    *,
    rng: np.random.Generator,
) -> Histories:
    """Draw patients whose tests, up to `exit_month`, (n_patients,), all found nothing.

    Whatever the cohort does not state is missing in all of them.
    """
    n = len(exit_month)
    baseline = np.full((n, len(study.baseline)), np.nan)
    for index, column in enumerate(study.baseline):
        if column.name == law.column:
            baseline[:, index] = draw_size(law, cohort.size, _even(n, rng))
        elif column.name in cohort.share:
            baseline[:, index] = draw_level(levels_of(study, column.name), cohort.share[column.name], _even(n, rng))
    planned = np.array(visits.planned)
    shape = (n, len(planned))
    month = np.maximum(planned + visits.spread * rng.standard_normal(shape), EARLIEST_VISIT_MONTH)
    kept = rng.random(shape) < _attendance(visits, n, rng)[:, None]
    month = np.where(kept & (month <= exit_month[:, None]), month, np.inf)
    share = np.array([visits.done.get(test.name, 0.0) for test in study.test])
    done = (rng.random((*shape, len(share))) < share) & np.isfinite(month)[:, :, None]
    order = np.argsort(month, axis=1)
    test = np.where(done, np.int8(NEGATIVE), np.int8(NOT_DONE))
    return Histories(
        baseline=baseline,
        visit_month=np.take_along_axis(month, order, axis=1),
        marker=np.full((*shape, len(study.marker)), np.nan),
        test=np.take_along_axis(test, order[:, :, None], axis=1),
    )


def draw_follow_up(cohort: Published, n: int, rng: np.random.Generator, *, alike: bool = False) -> FloatArray:
    """Months until each file ends, (n,): evenly from half to one and a half times the published figure, or `alike`."""
    return np.full(n, cohort.follow_up.months) if alike else cohort.follow_up.months * (0.5 + _even(n, rng))


def draw_size(law: SizeLaw, size: Size, quantile: FloatArray) -> FloatArray:
    """Sizes at these quantiles of the log-normal law between the bounds, its place fitted to mean or median."""

    def at(log_mean: float, quantile: FloatArray) -> FloatArray:
        low, high = norm.cdf((np.log([size.low, size.high]) - log_mean) / law.log_sd)
        return np.asarray(np.exp(log_mean + law.log_sd * norm.ppf(low + quantile * (high - low))))

    grid = (np.arange(2000) + 0.5) / 2000
    if size.mean is not None:
        wanted = size.mean
        place = brentq(lambda place: float(at(place, grid).mean()) - wanted, *_bracket(size))
    elif size.median is not None:
        wanted = size.median
        place = brentq(lambda place: float(at(place, np.array([0.5]))[0]) - wanted, *_bracket(size))
    else:
        place = law.log_mean
    return np.clip(at(place, quantile), size.low, size.high)  # against the last digit of exp(log(x))


def draw_level(levels: tuple[str, ...], share: dict[str, float], quantile: FloatArray) -> FloatArray:
    """Codes of the levels in their shares, NaN for what the shares leave over."""
    upper = np.cumsum(list(share.values()))
    code = np.array([*(float(levels.index(level)) for level in share), np.nan])
    return code[np.searchsorted(np.round(upper, 9), quantile, side="right")]


def _attendance(visits: Visits, n: int, rng: np.random.Generator) -> FloatArray:
    """Each patient's chance to keep a visit, (n,)."""
    mean, returns = visits.attendance, rng.random(n) < visits.returning
    if 0.0 < mean < 1.0:
        return np.where(returns, rng.beta(visits.weight * mean, visits.weight * (1.0 - mean), n), 0.0)
    return np.where(returns, mean, 0.0)


def _even(n: int, rng: np.random.Generator) -> FloatArray:
    """Quantiles spread evenly over (0, 1) in random order: shares come out as published, not by chance."""
    return np.asarray((rng.permutation(n) + 0.5) / n)


def _bracket(size: Size) -> tuple[float, float]:
    """Places of the law between which the mean runs from nearly the lower to nearly the upper bound."""
    return np.log(size.low) - 2.0, np.log(size.high) + 2.0
