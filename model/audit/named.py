"""Detections as outcomes tell them: one cause per patient, also where a visit finds several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from model.audit.detection import detection_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model.audit.detection import DetectionSteps, OnsetMass
    from model.study.definition import Study
    from model.types import FloatArray, Histories, IntArray


def named_detections(
    study: Study, histories: Histories, exit_month: FloatArray, onset: Mapping[int, OnsetMass]
) -> dict[int, DetectionSteps]:
    """Go through the visits as `detection_steps` does, for every cause, up to what the outcome will name.

    Returns by cause the visits with P(the tests there find the cause and the outcome names it | nothing found before).
    Causes are found independently, given what is known before the visit. Of several found at one visit each is as
    likely to be named: registries differ in what they put first, and the sum over causes, P(anything is found), does
    not depend on it.
    """
    steps = {cause: detection_steps(study, histories, exit_month, seen, cause=cause) for cause, seen in onset.items()}
    if not steps:
        return steps
    chance, row, cause = by_visit(list(steps.values()))
    named = chance_named(chance)[row, cause]
    return {
        number: replace(each, probability=named[cause == place]) for place, (number, each) in enumerate(steps.items())
    }


def by_visit(steps: Sequence[DetectionSteps]) -> tuple[FloatArray, IntArray, IntArray]:
    """Put the causes' steps at one visit beside each other.

    Returns P(found | nothing found before), (n_visits, n_causes), 0 where no test could find the cause; and where in it
    each step went, all of the first cause, then all of the second: row and column.
    """
    visit = np.concatenate([np.stack([each.patient, each.month], axis=1) for each in steps])
    cause = np.repeat(np.arange(len(steps)), [len(each.patient) for each in steps])
    _, row = np.unique(visit, axis=0, return_inverse=True)
    chance = np.zeros((row.max(initial=-1) + 1, len(steps)))
    chance[row, cause] = np.concatenate([each.probability for each in steps])
    return chance, row, cause


def chance_named(chance: FloatArray) -> FloatArray:
    """P(found and named), from P(found), both (n_visits, n_causes).

    With N others found, one in 1 + N names this one; E[1 / (1 + N)] is the integral over t from 0 to 1 of
    E[t^N] = product over the others of (1 - chance + chance t), a polynomial, which so many Gauss points integrate
    exactly.
    """
    node, weight = np.polynomial.legendre.leggauss(chance.shape[1] // 2 + 1)
    each = 1.0 - chance[:, :, None] * (1.0 - (node + 1.0) / 2.0)  # n_visits, n_causes, n_nodes
    share = np.ones_like(chance)
    for cause in range(chance.shape[1]):
        share[:, cause] = np.delete(each, cause, axis=1).prod(axis=1) @ weight / 2.0
    return chance * share
