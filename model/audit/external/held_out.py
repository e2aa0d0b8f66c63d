"""Parts of a cohort that stand for another place or time: every centre in turn, or the later patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from model.audit.judged import MIN_EVENTS
from model.errors import BadInputError, Problem

if TYPE_CHECKING:
    from datetime import date

    from model.tables.cohort import Cohort, DayArray
    from model.types import BoolArray, IntArray

LATER_SHARE = 1 / 3  # of the patients with a target event, where no date is given


@dataclass(frozen=True)
class HeldOut:
    """Who is judged by a model that was fitted without them.

    Attributes
    ----------
    names : of the parts
    part : (n_patients,) number of the part, -1 for patients who are learned from every time
    """

    kind: Literal["centre", "temporal"]
    names: tuple[str, ...]
    part: IntArray


def by_centre(cohort: Cohort) -> HeldOut:
    """Every centre with MIN_EVENTS target events is a part, the smaller ones together are another if they have as many.

    Patients without a centre are in none. Raises BadInputError where that leaves fewer than two parts.
    """
    if all(centre is None for centre in cohort.centre):
        raise _refused("centre", "leaving out centre by centre needs to know the patients' centres")
    centre = np.array(["" if each is None else each for each in cohort.centre], dtype=object)
    has_event = _has_target_event(cohort)
    large: list[str] = []
    small: list[str] = []
    for name in sorted({*centre} - {""}):
        (large if has_event[centre == name].sum() >= MIN_EVENTS else small).append(name)
    part = np.full(len(cohort), -1)
    for number, name in enumerate(large):
        part[centre == name] = number
    names = tuple(large)
    together = np.isin(centre, small)
    if has_event[together].sum() >= MIN_EVENTS:
        part[together] = len(names)
        names = (*names, f"smaller centres ({len(small)})")
    if len(names) < 2:
        rule = f"fewer than two centres, or groups of small ones, have {MIN_EVENTS} target events"
        raise _refused("centre", f"{rule}: none can be left out and judged")
    return HeldOut("centre", names, part)


def by_time(cohort: Cohort, since: date | None) -> HeldOut:
    """Patients whose origin is that day or later are the part; without a day, from when on a third of the events are.

    Patients without an origin date are learned from. Raises BadInputError where too few are left on either side.
    """
    if cohort.origin_date is None or np.isnat(cohort.origin_date).all():
        raise _refused("origin_date", "to judge later patients, the days of their origins must be known")
    day, has_event = cohort.origin_date, _has_target_event(cohort)
    first = np.datetime64(since, "D") if since else _last_part(np.sort(day[has_event & ~np.isnat(day)]))
    later = np.asarray(day >= first)
    for name, who in (("before", ~later), ("from", later)):
        if has_event[who].sum() < MIN_EVENTS:
            rule = f"{has_event[who].sum()} patients have their origin {name} {first} and a target event"
            raise _refused("origin_date", f"{rule}, {MIN_EVENTS} are needed")
    return HeldOut("temporal", (f"from {first}",), np.where(later, 0, -1))


def _last_part(day: DayArray) -> Any:
    """Day from which on LATER_SHARE of the events are; `day` is that of each event's origin, ascending."""
    if len(day) < 2 * MIN_EVENTS:
        rule = f"{len(day)} patients with a target event have a day of origin, {2 * MIN_EVENTS} are needed"
        raise _refused("origin_date", rule)
    return day[round(len(day) * (1 - LATER_SHARE))]


def _has_target_event(cohort: Cohort) -> BoolArray:
    return np.isin(cohort.outcomes.cause, cohort.study.targets)


def _refused(column: str, rule: str) -> BadInputError:
    return BadInputError([Problem("patients", None, column, rule)])
