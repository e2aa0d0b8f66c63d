"""Why this risk: the model's explanation, as it goes over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.explain.change import change_since_last_visit, drivers
from model.explain.inputs import contributions, group_contributions
from model.explain.unknown import unknowns
from model.tables.contradictions import contradicting
from service.api import outgoing_risk as out
from service.record import histories

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from model.explain.unknown import Unknown
    from model.predictor import Predictor
    from model.study.definition import Study
    from service.record import Patient

WORDS = {"out_of_range": "outside what the model was trained on", "stale": "measured long ago"}


def inputs(predictor: Predictor, patient: Patient, as_of: date) -> tuple[list[out.InputOut], list[out.GroupOut]]:
    """Say what was taken from each column, and what each group of columns adds up to."""
    found = contributions(predictor, histories(predictor.study, patient), patient.month_of(as_of))
    taken = [
        out.InputOut(
            name=item.source,
            label=item.label,
            group=item.group,
            value=item.value,
            unit=item.unit,
            status=item.status,
            effect=item.log_hazard,
        )
        for item in found
    ]
    return taken, _groups(group_contributions(found))


def warnings(predictor: Predictor, patient: Patient, taken: list[out.InputOut]) -> list[str]:
    """Say which inputs to be wary of."""
    wary = [f"{item.label}: {WORDS[item.status]}." for item in taken if item.status in WORDS]
    return wary + _contradictions(predictor.study, patient)


def _contradictions(study: Study, patient: Patient) -> list[str]:
    """Say which two baselines contradict each other."""
    label = {item.name: item.label or item.name for item in study.baseline}
    (found,) = contradicting(study, histories(study, patient).baseline)
    return [
        f"{label[conflict.column]} and {label[conflict.number]} contradict each other: check both."
        for conflict, holds in zip(study.conflict, found, strict=True)
        if holds
    ]


def missing(predictor: Predictor, patient: Patient, as_of: date) -> list[out.MissingOut]:
    """Say what is not known and what knowing it could change; raises NotSupportedError where that is no number."""
    found = unknowns(predictor, histories(predictor.study, patient), patient.month_of(as_of))
    return [_missing(item) for item in found]


def change(
    predictor: Predictor,
    patient: Patient,
    day: date,
    *,
    before: list[out.EventRiskOut],
    after: list[out.EventRiskOut],
) -> out.ChangeOut:
    """Say what a day's visit changed; raises NotSupportedError where that is no number."""
    recorded, month = histories(predictor.study, patient), patient.month_of(day)
    moved = change_since_last_visit(predictor, recorded, month)
    return out.ChangeOut(
        risk_before=before,
        risk_after=after,
        drivers=[
            out.DriverOut(name=item.source, label=item.label, change=item.change)
            for item in drivers(predictor, recorded, month)
        ],
        since=patient.date_of(moved.since_month),
        log_hazard={
            event: sum(effect[event] for effect in moved.groups.values()) for event in predictor.study.event_names
        },
        by_group=_groups(moved.groups),
    )


def _groups(effects: Mapping[str, dict[str, float]]) -> list[out.GroupOut]:
    return [out.GroupOut(group=group, effect=effect) for group, effect in effects.items()]


def _missing(item: Unknown) -> out.MissingOut:
    chances = item.chances or (None,) * len(item.values)
    return out.MissingOut(
        name=item.source,
        label=item.label,
        unit=item.unit,
        values=[
            out.PlausibleOut(value=value, probability=chance)
            for value, chance in zip(item.values, chances, strict=True)
        ],
        could_change=[
            out.CouldChangeOut(
                event=risk.event,
                horizon_months=risk.horizon_months,
                now=risk.now,
                low=risk.low,
                low_if=risk.low_if,
                high=risk.high,
                high_if=risk.high_if,
            )
            for risk in item.possible
        ],
    )
