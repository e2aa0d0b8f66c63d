"""Columns that keep every rule and are odd all the same: said before a model learns from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.study.definition import Study
    from model.tables.cohort import Cohort
    from model.types import BoolArray, FloatArray, IntArray

# So many with an event and so many without, before it is odd that a column tells them apart without a mistake.
FEWEST = 10
CONSTANT = "has one value only, the same in every row that has any: nothing can be learned from it"


def odd_columns(cohort: Cohort) -> Iterator[str]:
    """Name the baselines that say nothing about anybody, and those that say more than can be known at time 0."""
    for column, item in zip(cohort.histories.baseline.T, cohort.study.baseline, strict=True):
        known = ~np.isnan(column)
        if known.sum() > 1 and len(np.unique(column[known])) == 1:
            yield _line(item.name, CONSTANT)
        for words, has_it in _endings(cohort.study, cohort.outcomes.cause):
            if _separates(column[known], has_it[known]) or _separates(known, has_it):
                rule = f"tells all patients with {words} from all others: is it known at time 0, before the event?"
                yield _line(item.name, rule)
                break


def _endings(study: Study, cause: IntArray) -> Iterator[tuple[str, BoolArray]]:
    for number, name in enumerate(study.event_names, 1):
        yield f"the event {name}", cause == number
    yield "a target event", np.isin(cause, study.targets)
    yield "any event", cause > 0


def _separates(value: FloatArray | BoolArray, has_it: BoolArray) -> bool:
    """Whether all values of those who have it lie above, or all below, those of everybody else."""
    with_it, without = value[has_it], value[~has_it]
    if min(len(with_it), len(without)) < FEWEST:
        return False
    return bool(with_it.min() > without.max() or with_it.max() < without.min())


def _line(column: str, rule: str) -> str:
    return str(Problem("patients", None, column, rule))
