"""What moved one patient's risk: the log hazard since the visit before, and the results of the latest visit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.explain.log_hazard import LogHazard, by_group, named, parts
from model.finite import finite_forecast
from model.types import NOT_DONE

if TYPE_CHECKING:
    from model.predictor import Predictor
    from model.study.entries import Marker, Test
    from model.types import Histories


@dataclass(frozen=True)
class Change:
    """How the log hazard of one patient moved since the visit before the latest, or since the origin if there is none.

    Attributes
    ----------
    since_month : that moment
    groups : per group and event; all groups together are the log hazard now minus that at `since_month` from what was
        known then, exactly. What the latest visit found is in the groups of what was recorded there; what passing time
        alone would have done by now is in "time", the ageing of earlier results included
    """

    since_month: float
    groups: dict[str, LogHazard]


@dataclass(frozen=True)
class Driver:
    """What one result changed: per event, the probability within the shortest horizon with it, minus without it."""

    source: str
    label: str
    change: dict[str, float]


def change_since_last_visit(predictor: Predictor, histories: Histories, as_of_month: float) -> Change:
    """Split the change of one patient's log hazard by group; before the first visit all of it is "time"."""
    visits = np.flatnonzero(histories.visit_month[0] <= as_of_month)
    since = float(histories.visit_month[0, visits[-2]]) if len(visits) > 1 else 0.0
    record = histories.select(np.zeros(3, dtype=np.int64))
    record.marker[1:, visits[-1:]] = np.nan
    record.test[1:, visits[-1:]] = NOT_DONE
    now, unvisited, before = parts(predictor, record, np.array([as_of_month, as_of_month, since]))
    groups = by_group(predictor, now - unvisited)
    groups["time"] = groups["time"] + (unvisited - before).sum(axis=-1)
    return Change(since, {group: named(predictor, of_causes) for group, of_causes in groups.items()})


def drivers(predictor: Predictor, histories: Histories, as_of_month: float) -> list[Driver]:
    """Say what each result of one patient's latest visit did to the risks, largest first.

    Each result is left out in turn, the others kept: what a marker says about the hazard and what a negative test says
    about unseen disease both count. Results can overlap, so the changes need not add up to the visit's whole change.
    Raises NotSupportedError as `finite_forecast` does.
    """
    visits = np.flatnonzero(histories.visit_month[0] <= as_of_month)
    if not len(visits):
        return []
    latest = visits[-1]
    study = predictor.study
    markers = np.flatnonzero(~np.isnan(histories.marker[0, latest]))
    tests = np.flatnonzero(histories.test[0, latest] != NOT_DONE)
    variants = histories.select(np.zeros(1 + len(markers) + len(tests), dtype=np.int64))
    variants.marker[1 + np.arange(len(markers)), latest, markers] = np.nan
    variants.test[1 + len(markers) + np.arange(len(tests)), latest, tests] = NOT_DONE
    risk = finite_forecast(predictor, variants, np.full(len(variants), as_of_month)).at(study.horizon_months[0])
    changed: list[Marker | Test] = [study.marker[index] for index in markers]
    changed += [study.test[index] for index in tests]
    moved = [
        Driver(item.name, item.label or item.name, named(predictor, risk[0] - without))
        for item, without in zip(changed, risk[1:], strict=True)
    ]
    return sorted(moved, key=lambda driver: -max(abs(difference) for difference in driver.change.values()))
