"""What a guideline says about each patient: the row that applies, its calendar, or why it says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.guidelines.conditions import UNKNOWN, YES, holds, missing_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model.guidelines.entries import Applies, Guideline, GuidelineFile, Row, Treatment
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, IntArray

SILENT = -1


@dataclass(frozen=True)
class Standing:
    """Where patients stand in a list of entries of which the first that applies decides.

    Attributes
    ----------
    entry : (n_patients,) index of the entry, SILENT where none applies or a fact that decides is missing
    missing : (n_patients, n_baseline) the missing facts on which this hangs: assumed where an entry is given
    """

    entry: IntArray
    missing: BoolArray


@dataclass(frozen=True)
class Calendar:
    """Planned visits: months since the origin, ascending, (n_visits,), and tests at each, (n_visits, n_tests)."""

    month: FloatArray
    test: BoolArray


def standing(
    entries: Sequence[Applies], study: Study, baseline: FloatArray, *, when_missing: Mapping[str, str | float | bool]
) -> Standing:
    """Find the first entry that applies to each patient.

    Parameters
    ----------
    baseline : (n_patients, n_baseline) in the study's order, NaN = missing
    when_missing : the value to read for a missing fact, by name; a missing fact without one leaves a patient undecided
        as soon as an entry asks for it. Empty: nothing is assumed
    """
    filled = _filled(study, baseline, when_missing)
    entry = np.full(len(baseline), SILENT)
    missing = np.zeros(baseline.shape, dtype=bool)
    undecided = np.ones(len(baseline), dtype=bool)
    for index, each in enumerate(entries):
        missing[undecided] |= missing_facts(each.any_of, study, baseline[undecided])
        answer = holds(each.any_of, study, filled)
        entry[undecided & (answer == YES)] = index
        undecided &= ~np.isin(answer, (YES, UNKNOWN))
    return Standing(entry, missing)


def follow_up(
    guideline: Guideline, guidelines: GuidelineFile, study: Study, baseline: FloatArray, *, assume: bool
) -> Standing:
    """Find each patient's row; `assume` reads missing facts as the file says, else they leave a patient undecided."""
    return standing(guideline.row, study, baseline, when_missing=guidelines.when_missing if assume else {})


def calendar(row: Row, study: Study) -> Calendar:
    """Lay out the visits of a row."""
    months = np.unique([month for visits in row.visits for month in visits.at()])
    names = [test.name for test in study.test]
    asked = np.zeros((len(months), len(names)), dtype=bool)
    for visits in row.visits:
        place, tests = np.searchsorted(months, visits.at()), np.isin(names, visits.tests)
        asked[place] |= tests
    return Calendar(months, asked)


@dataclass(frozen=True)
class TreatmentAdvice:
    """What several bodies would have advised.

    Attributes
    ----------
    rule : (n_patients, n_bodies) index into each body's rules, SILENT = says nothing
    missing : (n_patients, n_baseline) missing facts on which any of it hangs
    turns : (n_patients, n_bodies, n_baseline) whether another value of that fact alone would turn the body's advice
    """

    rule: IntArray
    missing: BoolArray
    turns: BoolArray

    def parting_facts(self) -> BoolArray:
        """Facts that turn the advice of some bodies and not of others, (n_patients, n_baseline)."""
        return np.asarray(self.turns.any(axis=1) & ~self.turns.all(axis=1))


def compare_treatment(guidelines: GuidelineFile, study: Study, baseline: FloatArray) -> TreatmentAdvice:
    """Ask every body about every patient, with missing facts read as the file says, and what each answer hangs on."""
    filled = _filled(study, baseline, guidelines.when_missing)
    stands = [
        standing(body.rule, study, baseline, when_missing=guidelines.when_missing) for body in guidelines.treatment
    ]
    kind = [_kinds(body, study, filled) for body in guidelines.treatment]
    turns = np.zeros((len(baseline), len(stands), baseline.shape[1]), dtype=bool)
    for column in range(baseline.shape[1]):
        for value in _other_values(guidelines, study, column):
            other = filled.copy()
            other[:, column] = value
            for at, body in enumerate(guidelines.treatment):
                turns[:, at, column] |= _kinds(body, study, other) != kind[at]
    rule, missing = np.zeros((len(baseline), len(stands)), dtype=np.int64), np.zeros(baseline.shape, dtype=bool)
    for at, stand in enumerate(stands):
        rule[:, at] = stand.entry
        missing |= stand.missing
    return TreatmentAdvice(rule, missing, turns)


def _kinds(body: Treatment, study: Study, baseline: FloatArray) -> IntArray:
    """Code of the kind of advice, SILENT = none, (n_patients,)."""
    kinds = ["local", "radical", "either"]
    of_rule = np.array([*(kinds.index(rule.kind) for rule in body.rule), SILENT])
    return np.asarray(of_rule[standing(body.rule, study, baseline, when_missing={}).entry])


def _other_values(guidelines: GuidelineFile, study: Study, column: int) -> list[float]:
    """Values of a fact between which the rules can tell: levels, 0 and 1, or either side of every bound."""
    fact = study.baseline[column]
    asked = [
        case[fact.name]
        for body in guidelines.treatment
        for rule in body.rule
        for case in rule.any_of
        if fact.name in case
    ]
    if not asked:
        return []
    if fact.kind == "number":
        bounds = {bound for condition in asked for bound in condition.bounds}
        return [value for b in bounds for value in (np.nextafter(b, -np.inf), b, np.nextafter(b, np.inf))]
    return [float(value) for value in range(2 if fact.kind == "binary" else len(fact.levels))]


def _filled(study: Study, baseline: FloatArray, when_missing: Mapping[str, str | float | bool]) -> FloatArray:
    """Fill what is missing with the value that is assumed for it."""
    filled = baseline.copy()
    for column, fact in enumerate(study.baseline):
        if fact.name in when_missing:
            value = when_missing[fact.name]
            number = fact.levels.index(str(value)) if fact.levels else float(value)
            filled[np.isnan(baseline[:, column]), column] = number
    return filled
