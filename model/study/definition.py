"""The study file: what the columns of a cohort mean. TOML in, one frozen `Study` out, every mistake listed at once."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from model.study.conflict import Conflict  # noqa: TC001 - pydantic reads it
from model.study.entries import Baseline, Event, Frozen, Marker, Name, Policy, Positive, Strata, Test, Text, broken

DAYS_PER_MONTH = 30.4375
MONTHS_PER_UNIT = {"days": 1 / DAYS_PER_MONTH, "months": 1.0, "years": 12.0}
# Longer than anybody is followed: a time beyond it is a date or a wrong unit.
MOST_MONTHS = 150 * 12.0


class Study(Frozen):
    """A whole study file. Times are in `time_unit`; the `_months` properties are what the core works with."""

    name: Name
    title: Text
    time_unit: Literal["days", "months", "years"]
    landmark_every: Positive
    landmark_until: Annotated[float, Field(ge=0)]
    horizons: Annotated[tuple[Positive, ...], Field(strict=False, min_length=1)]
    event: Annotated[tuple[Event, ...], Field(strict=False, min_length=1)]
    baseline: Annotated[tuple[Baseline, ...], Field(strict=False)] = ()
    marker: Annotated[tuple[Marker, ...], Field(strict=False)] = ()
    test: Annotated[tuple[Test, ...], Field(strict=False)] = ()
    origin: Text = "Origin"
    strata: Annotated[tuple[Strata, ...], Field(strict=False)] = ()
    conflict: Annotated[tuple[Conflict, ...], Field(strict=False)] = ()
    policy: Policy | None = None
    source: Text | None = None

    @field_validator("landmark_until")
    @classmethod
    def _landmarks_can_be_counted(cls, value: float, info: ValidationInfo) -> float:
        if value / info.data.get("landmark_every", math.inf) > 1000:
            raise broken("more than 1000 landmarks: choose a wider landmark_every")
        return _within_a_life(value, info)

    @field_validator("horizons")
    @classmethod
    def _horizons_ascend(cls, value: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        if list(value) != sorted(set(value)):
            raise broken("horizons must ascend, each once")
        _within_a_life(value[-1], info)
        return value

    @field_validator("policy")
    @classmethod
    def _a_visit_fits(cls, value: Policy | None, info: ValidationInfo) -> Policy | None:
        if value is not None and value.shortest_interval > max(info.data.get("horizons", ()), default=math.inf):
            raise broken("shortest_interval must not exceed the longest horizon: no visit could be planned")
        return value

    @property
    def months_per_unit(self) -> float:
        """Months in one unit of the file's time; a month is 30.4375 days."""
        return MONTHS_PER_UNIT[self.time_unit]

    @cached_property
    def landmark_months(self) -> tuple[float, ...]:
        """The grid on which the model learns: 0, every, 2 every, ... up to landmark_until, in months."""
        steps = int(self.landmark_until / self.landmark_every + 1e-9) + 1
        return tuple(step * self.landmark_every * self.months_per_unit for step in range(steps))

    @cached_property
    def horizon_months(self) -> tuple[float, ...]:
        """How far past a landmark the model answers, in months."""
        return tuple(horizon * self.months_per_unit for horizon in self.horizons)

    @cached_property
    def targets(self) -> tuple[int, ...]:
        """The causes (1..K) whose role is target."""
        return tuple(k for k, event in enumerate(self.event, 1) if event.role == "target")

    @property
    def has_priors(self) -> bool:
        """Whether anything is published about any event."""
        return any(item.prior for item in self.baseline) or any(event.prior for event in self.event)

    def without_priors(self) -> Self:
        """Return the same study as if nothing had been published."""
        events = tuple(event.model_copy(update={"prior": None}) for event in self.event)
        baselines = tuple(item.model_copy(update={"prior": {}}) for item in self.baseline)
        return self.model_copy(update={"event": events, "baseline": baselines})

    def __hash__(self) -> int:
        """Equal studies have equal names."""
        return hash((self.name, self.event_names))

    @cached_property
    def event_names(self) -> tuple[str, ...]:
        """Names of causes 1..K, in order."""
        return tuple(event.name for event in self.event)

    @cached_property
    def severity(self) -> tuple[int, ...]:
        """By cause: of those found at one visit the outcome names the one with the highest; all 0 if nobody knows."""
        return tuple(event.severity or 0 for event in self.event)

    def found_by_test(self, cause: int) -> bool:
        """Whether this cause (1..K) is found by tests, so that its onset is interval censored."""
        return self.event[cause - 1].observed == "test"


def _within_a_life(value: float, info: ValidationInfo) -> float:
    if value * MONTHS_PER_UNIT.get(info.data.get("time_unit", ""), 0.0) > MOST_MONTHS:
        raise broken(f"more than {MOST_MONTHS / 12:g} years: is time_unit right?")
    return value
