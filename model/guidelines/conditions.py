"""Conditions on the facts of many patients at once, in three values: a fact that is missing answers "unknown"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.guidelines.entries import Case, Condition
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray

YES, UNKNOWN, NO = 1.0, 0.5, 0.0
"""Kleene's values: "and" is the least of them, "or" the largest."""


def holds(any_of: Sequence[Case], study: Study, baseline: FloatArray) -> FloatArray:
    """Whether any of the cases holds for each patient: YES, UNKNOWN or NO, (n_patients,).

    baseline : (n_patients, n_baseline) in the study's order, NaN = missing
    """
    if not any_of:
        return np.full(len(baseline), YES)
    return np.asarray(np.max([_case(case, study, baseline) for case in any_of], axis=0))


def missing_facts(any_of: Sequence[Case], study: Study, baseline: FloatArray) -> BoolArray:
    """The missing facts on which a case hangs that is neither met nor ruled out, (n_patients, n_baseline)."""
    asked = np.zeros(baseline.shape, dtype=bool)
    for case in any_of:
        undecided = _case(case, study, baseline) == UNKNOWN
        for name in case:
            asked[:, _column(study, name)] |= undecided
    return asked & np.isnan(baseline)


def _case(case: Case, study: Study, baseline: FloatArray) -> FloatArray:
    if not case:
        return np.full(len(baseline), YES)
    facts = [_fact(c, study, name, baseline[:, _column(study, name)]) for name, c in case.items()]
    return np.asarray(np.min(facts, axis=0))


def _fact(condition: Condition, study: Study, name: str, value: FloatArray) -> FloatArray:
    c, true = condition, np.ones(len(value), dtype=bool)
    if c.above is not None:
        true &= value > c.above
    if c.at_least is not None:
        true &= value >= c.at_least
    if c.below is not None:
        true &= value < c.below
    if c.at_most is not None:
        true &= value <= c.at_most
    if c.is_true is not None:
        true &= value == float(c.is_true)
    if c.one_of is not None:
        levels = study.baseline[_column(study, name)].levels
        true &= np.isin(value, [levels.index(level) for level in c.one_of])
    return np.where(np.isnan(value), UNKNOWN, np.where(true, YES, NO))


def _column(study: Study, name: str) -> int:
    return [baseline.name for baseline in study.baseline].index(name)
