"""The wire format of risks: what they are, why, what moved them, what is not known."""

import datetime as dt
from typing import Annotated

from pydantic import Field

from service.api.wire import ModelRefOut, Out


class BandOut(Out):
    """A probability with its 95 % band."""

    value: float
    low: float
    high: float


class HorizonOut(Out):
    """P(the event is there by then), months from `as_of`, in the presence of the other events, with its 95 % band."""

    months: float
    probability: float
    low: float
    high: float


class EventRiskOut(Out):
    """The risk of one event; `unseen_now` is P(it is there already and no test has found it)."""

    name: str
    label: str
    unseen_now: BandOut
    horizons: list[HorizonOut]


class CurveOut(Out):
    """The risk of one event over time, every third month."""

    name: str
    points: list[HorizonOut]


class InputOut(Out):
    """What the model took from one column; `effect` is what it adds to each event's log hazard, against the average."""

    name: str
    label: str
    group: str
    value: bool | float | str | None
    unit: str | None
    status: Annotated[str, Field(description="used | missing | stale | out_of_range")]
    effect: dict[str, float]


class GroupOut(Out):
    """What a group of inputs adds to each event's log hazard; all groups together add up exactly."""

    group: str
    effect: dict[str, float]


class CouldChangeOut(Out):
    """The least and the most that a risk could become, and the values that would make it so; `event` null = any target.

    `now` is the risk as it stands: it may lie outside, since that a value is missing can itself tell something.
    """

    event: str | None
    horizon_months: float
    now: float
    low: float
    low_if: bool | float | str
    high: float
    high_if: bool | float | str


class PlausibleOut(Out):
    """A value that a missing input may have; `probability` is null for a number: its 10th and 90th percentile."""

    value: bool | float | str
    probability: float | None


class MissingOut(Out):
    """An input that is not known, and what knowing it could change: nothing to say if training never met it."""

    name: str
    label: str
    unit: str | None
    values: list[PlausibleOut]
    could_change: list[CouldChangeOut]


class RiskOut(Out):
    """The risks of a patient from `as_of` on, from what was recorded by then.

    `groups` sum up `inputs`; `missing` has what could change most first.
    """

    model: ModelRefOut
    as_of: dt.date
    events: list[EventRiskOut]
    curve: list[CurveOut]
    inputs: list[InputOut]
    groups: list[GroupOut]
    missing: list[MissingOut]
    warnings: list[str]


class DriverOut(Out):
    """A result that moved the risk: each event's probability within the shortest horizon with it, minus without it."""

    name: str
    label: str
    change: dict[str, float]


class ChangeOut(Out):
    """What a visit changed: the risk as of its date without it and with it, and what moved it.

    `log_hazard` is how each event's log hazard moved since the visit before (`since`; the origin, if there was none).
    `by_group` adds up to it exactly: what the visit found, and in "time" what passing time alone would have done.
    """

    risk_before: list[EventRiskOut]
    risk_after: list[EventRiskOut]
    drivers: list[DriverOut]
    since: dt.date
    log_hazard: dict[str, float]
    by_group: list[GroupOut]
