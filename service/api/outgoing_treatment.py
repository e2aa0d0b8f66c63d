"""What guidelines would have advised for treatment, in the wire format: for comparison, beside the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from model.guidelines.advice import SILENT, compare_treatment
from service.api.wire import Out

if TYPE_CHECKING:
    from model.guidelines.entries import GuidelineFile
    from model.study.definition import Study
    from model.types import FloatArray


class TreatmentRuleOut(Out):
    """What a body would have advised."""

    kind: Literal["local", "radical", "either"]
    advice: str
    mark: str
    caution: Annotated[str | None, Field(description="must stand beside the advice wherever it is shown")]
    source: str


class TreatmentBodyOut(Out):
    """A body; `rule` is null where it says nothing about such a patient."""

    id: str
    title: str
    rule: TreatmentRuleOut | None
    turned_by: Annotated[list[str], Field(description="facts of which another value alone would turn the advice")]


class TreatmentOut(Out):
    """What each body would have advised, and the facts on which they part: that turn the advice of some and not all."""

    bodies: list[TreatmentBodyOut]
    parts_on: list[str]
    assumed_facts: Annotated[list[str], Field(description="missing facts, read as the guidelines' file says")]


def treatment_of(guidelines: GuidelineFile, study: Study, baseline: FloatArray) -> TreatmentOut:
    """Ask every body about one patient, (1, n_baseline)."""
    found = compare_treatment(guidelines, study, baseline)
    names = np.array([item.name for item in study.baseline])

    def named(facts: np.ndarray) -> list[str]:
        return [str(name) for name in names[facts]]

    bodies = []
    for number, body in enumerate(guidelines.treatment):
        place = int(found.rule[0, number])
        rule = None if place == SILENT else body.rule[place]
        shown = rule and TreatmentRuleOut(
            kind=rule.kind, advice=rule.advice, mark=rule.mark, caution=rule.caution, source=rule.source
        )
        turned_by = named(found.turns[0, number])
        bodies.append(TreatmentBodyOut(id=body.id, title=body.title, rule=shown, turned_by=turned_by))
    return TreatmentOut(bodies=bodies, parts_on=named(found.parting_facts()[0]), assumed_facts=named(found.missing[0]))
