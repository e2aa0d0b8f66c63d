"""What is not known of one patient, and what knowing it could do to the risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.explain.plausible import missing_inputs
from model.finite import finite_forecast
from model.study.entries import Marker
from model.types import NOT_DONE, Histories

if TYPE_CHECKING:
    from model.explain.inputs import Value
    from model.explain.plausible import Missing
    from model.predictor import Predictor
    from model.types import FloatArray


@dataclass(frozen=True)
class Possible:
    """Risks that one event could turn out to have.

    Attributes
    ----------
    event : the study's name, None = any target event
    now : the risk as it stands
    low, high : the smallest and the largest risk over the plausible values, and the values that give them
    """

    event: str | None
    horizon_months: float
    now: float
    low: float
    low_if: Value
    high: float
    high_if: Value


@dataclass(frozen=True)
class Unknown:
    """One missing input.

    Attributes
    ----------
    values : what it may well turn out to be; empty if the training cohort never recorded it
    chances : probability of each level; None for a number, whose values are its 10th and 90th percentile
    possible : per event, any target event first, within the shortest and within the longest horizon
    spread : standard deviation, over the values, of the risk of any target event within the longest horizon
    """

    source: str
    label: str
    unit: str | None
    values: tuple[Value, ...]
    chances: tuple[float, ...] | None
    possible: tuple[Possible, ...]
    spread: float


def unknowns(predictor: Predictor, histories: Histories, as_of_month: float) -> list[Unknown]:
    """List the missing baselines and the markers never measured in one patient, by what they could change.

    Every plausible value is entered in turn, a marker's as if measured now; what else is missing is then expected of
    what is known with it. So a risk given here is the very risk that the patient would get with that value.
    Raises NotSupportedError as `finite_forecast` does.
    """
    record = _with_room_now(histories, as_of_month)
    missing = missing_inputs(predictor, record)
    if not missing:
        return []
    edge = np.cumsum([1, *(len(one.value) for one in missing)]).tolist()
    variants = record.select(np.zeros(edge[-1], dtype=np.int64))
    for one, start, end in zip(missing, edge[:-1], edge[1:], strict=True):
        if isinstance(one.item, Marker):
            variants.marker[start:end, -1, one.index] = one.value
        else:
            variants.baseline[start:end, one.index] = one.value
    risk = _risks(predictor, variants, as_of_month)
    found = [
        _unknown(predictor, one, risk[0], risk[start:end])
        for one, start, end in zip(missing, edge[:-1], edge[1:], strict=True)
    ]
    return sorted(found, key=lambda unknown: -unknown.spread)


def _with_room_now(histories: Histories, as_of_month: float) -> Histories:
    """One patient's record up to a moment, with one more visit then, at which nothing was recorded."""
    seen = int((histories.visit_month[0] <= as_of_month).sum())
    return Histories(
        baseline=histories.baseline,
        visit_month=np.append(histories.visit_month[:, :seen], [[as_of_month]], axis=1),
        marker=np.append(histories.marker[:, :seen], np.full((1, 1, histories.marker.shape[2]), np.nan), axis=1),
        test=np.append(
            histories.test[:, :seen], np.full((1, 1, histories.test.shape[2]), NOT_DONE, dtype=np.int8), axis=1
        ),
    )


def _risks(predictor: Predictor, variants: Histories, as_of_month: float) -> FloatArray:
    """Risk of any target, then of each event, (n_variants, n_horizons, 1 + n_causes)."""
    forecast = finite_forecast(predictor, variants, np.full(len(variants), as_of_month))
    by_event = np.stack([forecast.at(months) for months in _horizons(predictor)], axis=1)
    targets = [cause - 1 for cause in predictor.study.targets]
    return np.concatenate([by_event[..., targets].sum(axis=-1, keepdims=True), by_event], axis=-1)


def _horizons(predictor: Predictor) -> tuple[float, ...]:
    months = predictor.study.horizon_months
    return tuple(sorted({months[0], months[-1]}))


def _unknown(predictor: Predictor, missing: Missing, now: FloatArray, risk: FloatArray) -> Unknown:
    """Compare risks, (n_values, n_horizons, 1 + n_causes), with that of now, (n_horizons, 1 + n_causes)."""
    item, values = missing.item, missing.recorded
    possible = []
    for column, event in enumerate([None, *predictor.study.event_names] if values else []):
        for row, months in enumerate(_horizons(predictor)):
            risks = risk[:, row, column]
            least, most = int(risks.argmin()), int(risks.argmax())
            low, high = float(risks[least]), float(risks[most])
            possible.append(Possible(event, months, float(now[row, column]), low, values[least], high, values[most]))
    away = risk[:, -1, 0] - missing.weight @ risk[:, -1, 0]
    return Unknown(
        source=item.name,
        label=item.label or item.name,
        unit=item.unit,
        values=values,
        chances=missing.chances,
        possible=tuple(possible),
        spread=float(np.sqrt(missing.weight @ away**2)),
    )
