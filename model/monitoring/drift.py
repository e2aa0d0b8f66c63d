"""Drift of inputs: is what the model is given still like what it was trained on? No outcome is needed to tell.

Baselines of the patients who were new in a quarter and marker values measured in it are held against the training
cohort, and so is how often a baseline is recorded. How often a marker is measured or a test done at a visit is held
against all earlier quarters, and against the training patients' visits as long after the origin (`use`).

A difference is called drift if it is both large and no chance: a mean that is off by LARGE_DIFFERENCE training standard
deviations or more, or a share by LARGE_SHARE or more, and beyond what chance does to any of the quarter's comparisons
in 5 % of quarters (Bonferroni; Fisher's exact test for shares, Mantel and Haenszel's against training visits, a normal
one for other means).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from scipy.stats import hypergeom, norm

from model.audit.metrics import ratio
from model.features import baseline_features, transformed
from model.monitoring.calibration import MIN_PATIENTS
from model.monitoring.use import against_training
from model.types import NOT_DONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.monitoring.quarters import Calendar, DayArray
    from model.monitoring.use import Use
    from model.monitoring.watched import Watched
    from model.predictor import Predictor
    from model.types import BoolArray, FloatArray, IntArray

LARGE_DIFFERENCE = 0.25
LARGE_SHARE = 0.10
FALSE_ALARM = 0.05


@dataclass(frozen=True)
class Input:
    """One input and what it was in training.

    Attributes
    ----------
    kind : whether it is counted per new patient (baseline) or per visit
    name, label : of the study's column
    level : of a category; the input is then whether it is this level
    transform : the scale of the mean
    mean, sd : in training, None for a test or if it was never known there
    low, high : range met in training, NaN if never known
    known : share of training patients in whom it was recorded, None if that is not compared
    is_first : whether it is the first of its column, so that how often that is known is compared here
    yes_or_no : whether its mean is a share, as of a binary or of one level of a category
    """

    kind: Literal["baseline", "marker", "test"]
    name: str
    label: str
    level: str | None
    transform: str
    mean: float | None
    sd: float | None
    low: float
    high: float
    known: float | None
    is_first: bool
    yes_or_no: bool


@dataclass(frozen=True)
class Drift:
    """Sums over patients, each (n_quarters, n_inputs).

    Attributes
    ----------
    n : new patients, or visits
    known : those where it was recorded, measured or done
    total, square : sum of its values and of their squares
    outside : how many values lie outside the range met in training
    """

    n: IntArray
    known: IntArray
    total: FloatArray
    square: FloatArray
    outside: IntArray

    @classmethod
    def empty(cls, predictor: Predictor, calendar: Calendar) -> Self:
        """No patients yet."""
        study = predictor.study
        n_first = len(predictor.scaling.baselines.mean)
        shape = (calendar.n_quarters, n_first + len(study.marker) + len(study.test))
        n, known, outside = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        return cls(n, known, np.zeros(shape), np.zeros(shape), outside)

    def __add__(self, other: Drift) -> Drift:
        """Sums over both groups of patients."""
        return Drift(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def inputs_of(predictor: Predictor, facts: dict[str, Any]) -> list[Input]:
    """List the inputs with what they were in training: baselines as features, then markers, then tests.

    facts : model_facts.json of the model, which knows how often each column was missing
    """
    study, scaling = predictor.study, predictor.scaling
    missing = {item["name"]: item["missing_share"] for item in facts["predictors"]}
    column = {item.name: item for item in (*study.baseline, *study.marker)}
    joint = scaling.baselines
    found: list[Input] = []
    for index, feature in enumerate(predictor.features):
        first = index < len(joint.mean)
        if not first and feature.what != "last":
            continue
        item, ever = column[feature.source], bool(np.isfinite(scaling.low[index]))
        mean, sd = float(scaling.mean[index]), float(scaling.scale[index])
        if first:  # per patient: rows of training weigh those who were followed for longer
            mean, sd = mean + sd * float(joint.mean[index]), sd * float(np.sqrt(joint.covariance[index, index]))
        found.append(
            Input(
                kind="baseline" if first else "marker",
                name=item.name,
                label=item.label or item.name,
                level=feature.level,
                transform=item.transform,
                mean=mean if ever else None,
                sd=sd if ever else None,
                low=float(scaling.low[index]),
                high=float(scaling.high[index]),
                known=1.0 - missing[item.name] if first else None,
                is_first=not found or found[-1].name != item.name,
                yes_or_no=feature.what == "level" or getattr(item, "kind", "number") == "binary",
            )
        )
    return [*found, *(_test(item.name, item.label or item.name) for item in study.test)]


def _test(name: str, label: str) -> Input:
    """Describe a test: whether it was done says all."""
    return Input("test", name, label, None, "none", None, None, np.nan, np.nan, None, is_first=True, yes_or_no=False)


def add_up(predictor: Predictor, watched: Watched, inputs: Sequence[Input], calendar: Calendar) -> Drift:
    """Add up the inputs of a chunk of patients."""
    study, histories = predictor.study, watched.histories
    baseline = baseline_features(study, histories.baseline)
    who, visit = np.nonzero(np.isfinite(histories.visit_month))
    markers = [transformed(histories.marker[who, visit, at], item.transform) for at, item in enumerate(study.marker)]
    done = np.where(histories.test[who, visit] == NOT_DONE, np.nan, 1.0)
    at_visits = np.concatenate([np.reshape(markers, (len(markers), len(who))).T, done], axis=1)
    n_first = baseline.shape[1]
    groups: tuple[tuple[FloatArray, DayArray, Sequence[Input]], ...] = (
        (baseline, watched.origin_day, inputs[:n_first]),
        (at_visits, watched.day(who, histories.visit_month[who, visit]), inputs[n_first:]),
    )
    first, then = (_sums(*group, calendar) for group in groups)
    joined = {name: np.concatenate([value, getattr(then, name)], axis=1) for name, value in vars(first).items()}
    return Drift(**joined)


def _sums(value: FloatArray, day: DayArray, inputs: Sequence[Input], calendar: Calendar) -> Drift:
    """Sum values, (n_rows, n_inputs), by the quarter of each row's day; what lies ahead of today waits."""
    here = day <= calendar.today
    value, quarter = value[here], calendar.place(day[here])
    low, high = (np.array([getattr(each, end) for each in inputs]) for end in ("low", "high"))
    known = ~np.isnan(value)
    filled = np.where(known, value, 0.0)
    cell = (quarter[:, None] * len(inputs) + np.arange(len(inputs))).ravel()
    shape = (calendar.n_quarters, len(inputs))

    def count(of: BoolArray) -> IntArray:
        return np.bincount(cell[of.ravel()], minlength=shape[0] * shape[1]).reshape(shape)

    def total(of: FloatArray) -> FloatArray:
        return np.bincount(cell, of.ravel(), minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)

    everything = np.ones_like(known)
    outside = (value < low) | (value > high)
    return Drift(count(everything), count(known), total(filled), total(filled**2), count(outside))


def drift_rows(
    found: Drift, use: Use, inputs: Sequence[Input], calendar: Calendar, *, n_trained: int, trained: Use | None
) -> list[dict[str, Any]]:
    """Turn the sums into rows by quarter and input: plain values, None where nothing can be said.

    n_trained : how many patients the model was trained on
    trained : use of markers and tests at their visits, if the model tells
    """
    figures, drifted = _compared(found, inputs, n_trained, _use_compared(use, trained, n_inputs=len(inputs)))
    return [
        {
            "quarter": calendar.name(quarter),
            "over": quarter < calendar.n_over,
            "kind": item.kind,
            "input": item.name,
            "label": item.label,
            "level": item.level,
            "transform": item.transform,
            "n": int(found.n[quarter, place]),
            **{name: _plain(value[quarter, place]) for name, value in figures.items()},
            "drift": [name for name, value in drifted.items() if value[quarter, place]],
        }
        for quarter in range(calendar.n_quarters)
        for place, item in enumerate(inputs)
    ]


def _use_compared(use: Use, trained: Use | None, *, n_inputs: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compare the use of markers and tests with training, as `against_training`; NaN for all other inputs."""
    compared = tuple(np.full((len(use.visits), n_inputs), np.nan) for _ in range(3))
    if trained is not None:
        for whole, part in zip(compared, against_training(use, trained, least=MIN_PATIENTS), strict=True):
            whole[:, n_inputs - part.shape[1] :] = part
    share, trained_share, p = compared
    return share, trained_share, p


def _compared(
    found: Drift, inputs: Sequence[Input], n_trained: int, use: tuple[FloatArray, FloatArray, FloatArray]
) -> tuple[dict[str, FloatArray], dict[str, BoolArray]]:
    """Work out every figure, NaN where there is none, and what has drifted, all (n_quarters, n_inputs)."""
    comparable_share, trained_share, p_use = use
    by_visit = np.array([item.kind != "baseline" for item in inputs], dtype=np.bool_)
    valued = np.array([item.kind != "test" for item in inputs], dtype=np.bool_)
    is_first, yes_or_no = (
        np.array([getattr(i, what) for i in inputs], dtype=np.bool_) for what in ("is_first", "yes_or_no")
    )
    usual_mean, usual_sd, trained = (
        np.array([getattr(item, name) for item in inputs], dtype=np.float64) for name in ("mean", "sd", "known")
    )
    n, known = (np.where(found.n >= MIN_PATIENTS, each, 0).astype(np.float64) for each in (found.n, found.known))
    n_valued = np.where(valued & (known >= MIN_PATIENTS), known, 0.0)
    mean = ratio(found.total, n_valued)
    sd = np.sqrt(np.maximum(ratio(found.square, n_valued) - mean**2, 0.0))
    # What is usual: a baseline's share in training, other shares in all quarters before.
    n_before, known_before = (np.cumsum(each, axis=0) - each for each in (found.n, found.known))
    usual_n = np.where(by_visit, n_before, np.where(np.isnan(trained), 0, n_trained))
    usual_known = np.where(by_visit, known_before, np.nan_to_num(trained) * n_trained)
    share, usual_share = ratio(known, n), ratio(usual_known, np.where(usual_n >= MIN_PATIENTS, usual_n, 0.0))
    difference = (mean - usual_mean) / usual_sd
    p_mean = np.where(
        yes_or_no,
        _p_of_shares(mean * n_valued, n_valued, usual_mean * usual_known, usual_known),
        2.0 * norm.sf(np.abs(difference) * np.sqrt(known)),
    )
    p_share = np.where(is_first, _p_of_shares(known, n, usual_share * usual_n, usual_n), np.nan)
    made = sum(np.isfinite(p).sum(axis=1, keepdims=True) for p in (p_mean, p_share, p_use))
    limit = FALSE_ALARM / np.maximum(made, 1)
    figures = {
        "known": np.where(n > 0, known, np.nan),
        "share": share,
        "usual_share": usual_share,
        "trained_share": trained_share,
        "mean": mean,
        "sd": sd,
        "usual_mean": np.broadcast_to(usual_mean, n.shape),
        "usual_sd": np.broadcast_to(usual_sd, n.shape),
        "difference": difference,
        "outside": ratio(found.outside.astype(np.float64), n_valued),
    }
    return figures, {
        "mean": (np.abs(difference) >= LARGE_DIFFERENCE) & (p_mean < limit),
        "share": (np.abs(share - usual_share) >= LARGE_SHARE) & (p_share < limit),
        "use": (np.abs(comparable_share - trained_share) >= LARGE_SHARE) & (p_use < limit),
    }


def _p_of_shares(of: FloatArray, n: FloatArray, usual_of: FloatArray, usual_n: FloatArray) -> FloatArray:
    """Fisher's exact two-sided test that two shares are one, twice the smaller tail; NaN where one has no cases.

    All (n_quarters, n_inputs); what was put together from shares is rounded to whole cases.
    """
    known = (n > 0) & (usual_n > 0) & np.isfinite(of) & np.isfinite(usual_of)
    # A mean that stands in for missing values may lie a little outside 0 and 1.
    usual_of = np.clip(usual_of, 0.0, usual_n)
    cases = [np.rint(np.where(known, each, 1.0)).astype(np.int64) for each in (of, n, usual_of, usual_n)]
    its, all_its, usual, all_usual = cases
    both = (all_its + all_usual, its + usual, all_its)
    fewer, more = np.asarray(hypergeom.cdf(its, *both)), np.asarray(hypergeom.sf(its - 1, *both))
    return np.where(known, np.minimum(2.0 * np.minimum(fewer, more), 1.0), np.nan)


def _plain(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
