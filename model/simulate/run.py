"""Follow the same fresh patients under every policy, and put what came of it side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model.simulate.course import Course, follow
from model.simulate.summary import Outcome, Patients, compare, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from model.simulate.course import Policy
    from model.simulate.oracles import Oracle
    from model.simulate.truth import Truth
    from model.study.definition import Study


@dataclass(frozen=True)
class Entry:
    """A policy in the line-up: what kind it is shown as, and its price if it is a point of a curve."""

    kind: str
    policy: Policy | Oracle
    price: float | None = None


def run_policies(
    fresh: Iterable[Truth], line_up: Sequence[Entry], study: Study, *, tell: Callable[[str], None]
) -> tuple[list[Outcome], Patients]:
    """Follow every block of patients under every policy; a block's truth is let go before the next is drawn.

    tell : is called after every policy
    """
    parts: list[list[Course]] = [[] for _ in line_up]
    recurs, last = [], []
    for number, truth in enumerate(fresh, 1):
        for entry, kept in zip(line_up, parts, strict=True):
            policy = entry.policy.seeing(truth) if hasattr(entry.policy, "seeing") else entry.policy
            kept.append(follow(truth, policy, study))
            tell(f"  block {number}, {len(truth)} patients: {entry.policy.name}")
        recurs.append(truth.recurs)
        last.append(truth.last_month)
    outcomes = [
        Outcome(entry.policy.name, entry.kind, Course.joined(kept), entry.price)
        for entry, kept in zip(line_up, parts, strict=True)
    ]
    return outcomes, Patients(np.concatenate(recurs), np.concatenate(last))


def report(outcomes: Sequence[Outcome], patients: Patients, study: Study, *, seed: int) -> dict[str, Any]:
    """Summarise every policy, and hold each curve against each guideline that follows anybody at all."""
    guidelines = [outcome for outcome in outcomes if outcome.kind == "guideline" and outcome.course.burden.any()]
    curves: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.price is not None:
            curves.setdefault(outcome.kind, []).append(outcome)
    return {
        "policies": [row for outcome in outcomes for row in rows_of(outcome, patients, study)],
        "against_guidelines": compare(guidelines, curves, patients, seed=seed),
    }
