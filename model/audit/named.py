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
    Causes are found independently, given what is known before the visit. Of several found at one visit the most severe
    is named, as far as the study says; of equals each is as likely to be. The sum over causes, P(anything is found),
    does not depend on it.
    """
    steps = detection_steps(study, histories, exit_month, onset)
    if not steps:
        return steps
    chance, row, cause = by_visit(list(steps.values()))
    named = chance_named(chance, np.array([study.severity[number - 1] for number in steps]))[row, cause]
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


def chance_named(chance: FloatArray, severity: IntArray) -> FloatArray:
    """P(found and named), from P(found), both (n_visits, n_causes), and the causes' severities, (n_causes,).

    It is named if nothing more severe is found and, with N others found that are as severe, in one case of 1 + N.
    E[1 / (1 + N)] is the integral over t from 0 to 1 of E[t^N] = product over them of (1 - chance + chance t), a
    polynomial, which so many Gauss points integrate exactly.
    """
    node, weight = np.polynomial.legendre.leggauss(chance.shape[1] // 2 + 1)
    each = 1.0 - chance[:, :, None] * (1.0 - (node + 1.0) / 2.0)  # n_visits, n_causes, n_nodes
    share = np.ones_like(chance)
    for cause in range(chance.shape[1]):
        equals = np.flatnonzero(severity == severity[cause])
        share[:, cause] = each[:, equals[equals != cause]].prod(axis=1) @ weight / 2.0
        share[:, cause] *= (1.0 - chance[:, severity > severity[cause]]).prod(axis=1)
    return chance * share
