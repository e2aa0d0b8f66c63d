"""Which patients have two baselines that contradict each other, by the study's own `[[conflict]]` tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.errors import Problem

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray


def contradicting(study: Study, baseline: FloatArray) -> BoolArray:
    """Return (n_patients, n_conflicts): who has a number outside the range that goes with their level.

    baseline : (n_patients, n_baseline) as in Histories; where either value is missing, nothing contradicts
    """
    value = dict(zip((item.name for item in study.baseline), baseline.T, strict=True))
    levels = {item.name: item.levels for item in study.baseline}
    found = np.zeros((len(baseline), len(study.conflict)), dtype=bool)
    for each, conflict in enumerate(study.conflict):
        number = value[conflict.number]
        raised = ~np.isnan(value[conflict.raised_by]) if conflict.raised_by else np.zeros(len(baseline), dtype=bool)
        for level, span in conflict.ranges.items():
            here = value[conflict.column] == levels[conflict.column].index(level)
            found[:, each] |= here & ((number > span.high) | (number < span.low) & ~raised)
    return found


def counted(file: str, study: Study, baseline: FloatArray) -> list[str]:
    """Say of each conflict, in a line about the file, how many patients it is found in; nothing where in none."""
    counts = contradicting(study, baseline).sum(axis=0)
    rule = "contradicts {} in {} of {} rows, which are used as they are"
    return [
        str(Problem(file, None, conflict.number, rule.format(conflict.column, n_rows, len(baseline))))
        for conflict, n_rows in zip(study.conflict, counts.tolist(), strict=True)
        if n_rows
    ]
