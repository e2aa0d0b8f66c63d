"""The study file: what the columns of a cohort mean. TOML in, one frozen `Study` out, every mistake listed at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Sequence

MONTHS_PER_UNIT = {"days": 1 / 30.4375, "months": 1.0, "years": 12.0}

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Positive = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Range = Annotated[tuple[float, float], Field(strict=False)]
Group = Literal["demographics", "imaging", "pathology", "biomarker", "treatment"]
Transform = Literal["none", "log", "log1p"]


class _Frozen(BaseModel):
    """A table of the study file: its keys are all known, its values have the right type as written."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Event(_Frozen):
    """Something that ends follow-up: a target recurrence or a competing event."""

    name: Name
    role: Literal["target", "competing"]
    observed: Literal["test", "exact"]
    label: Text | None = None
    source: Text | None = None


class Prior(_Frozen):
    """A published log hazard ratio per unit of the transformed variable, or of one level against the first."""

    log_hazard_ratio: float
    sd: Positive
    source: Text
    level: str | None = None


Priors = Annotated[tuple[Prior, ...], Field(strict=False), BeforeValidator(lambda v: [v] if isinstance(v, dict) else v)]


class _Measured(_Frozen):
    """What baselines and markers share: a unit, an allowed range, a scale to model on."""

    name: Name
    label: Text | None = None
    unit: Text | None = None
    range: Range | None = None
    group: Group
    transform: Transform = "none"
    source: Text | None = None
    no_prior: Text | None = None

    @model_validator(mode="after")
    def _range_fits_the_transform(self) -> Self:
        if self.range is not None and self.range[0] >= self.range[1]:
            raise _broken("range", "the range's lower end must be below its upper end")
        if self.transform != "none" and self.range is None:
            raise _broken("transform", f'transform "{self.transform}" needs a range')
        if self.range is not None and self.transform == "log" and self.range[0] <= 0:
            raise _broken("transform", 'transform "log" needs a range above 0')
        if self.range is not None and self.transform == "log1p" and self.range[0] <= -1:
            raise _broken("transform", 'transform "log1p" needs a range above -1')
        return self


class Baseline(_Measured):
    """A column of `patients`, known at time 0."""

    kind: Literal["number", "binary", "category", "ordinal"]
    levels: Annotated[tuple[str, ...], Field(strict=False)] = ()
    required: bool = False
    prior: dict[Name, Priors] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Self:
        if (self.kind in ("category", "ordinal")) != bool(self.levels):
            word = "needs" if not self.levels else "has no"
            raise _broken("levels", f'kind "{self.kind}" {word} levels')
        if len(set(self.levels)) != len(self.levels) or (self.levels and len(self.levels) < 2):
            raise _broken("levels", "levels must be at least two, each once")
        if self.kind != "number" and (self.range is not None or self.transform != "none"):
            raise _broken("range", f'kind "{self.kind}" has neither range nor transform')
        for event, priors in self.prior.items():
            named = [prior.level for prior in priors]
            if self.kind == "category":
                allowed: Sequence[str | None] = self.levels[1:]
                rule = f"a category's prior names one level other than the first ({', '.join(self.levels[1:])})"
            else:
                allowed, rule = [None], f'kind "{self.kind}" has one prior per event and no level'
            if any(level not in allowed for level in named) or len(set(named)) != len(named):
                raise _broken(f"prior.{event}", rule)
        return self


class Marker(_Measured):
    """A column of `visits` that is measured again and again."""


class Sensitivity(_Frozen):
    """Chance that a test finds one cause, u months after its onset: max - (max - start) 2^(-u / half_time)."""

    start: Probability
    max: Probability
    half_time: Annotated[float, Field(ge=0)]
    source: Text | None = None

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.max < self.start or self.max <= 0:
            raise _broken("max", "max must be above 0 and at least start: what grows is seen better")
        return self


class Test(_Frozen):
    """A surveillance test: a column of `visits` that says not done, negative or positive."""

    name: Name
    label: Text | None = None
    cost: Annotated[float, Field(ge=0)] = 1.0
    burden_days: Annotated[float, Field(ge=0)] = 0.0
    false_positive: Annotated[float, Field(ge=0, lt=1)] = 0.0
    tiers: Annotated[tuple[Name, ...], Field(strict=False)] = ("primary", "regional", "tertiary")
    sees: dict[Name, Sensitivity]
    source: Text | None = None


class Policy(_Frozen):
    """Figures of the first schedule rule, in the study's time unit."""

    unseen_risk_limit: Annotated[float, Field(gt=0, lt=1)]
    shortest_interval: Positive
    longest_interval: Positive
    visit_cost: Annotated[float, Field(ge=0)] = 0.0
    source: Text | None = None

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.longest_interval < self.shortest_interval:
            raise _broken("longest_interval", "longest_interval must be at least shortest_interval")
        return self


class Study(_Frozen):
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
    policy: Policy | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _horizons_ascend(self) -> Self:
        if list(self.horizons) != sorted(set(self.horizons)):
            raise _broken("horizons", "horizons must ascend, each once")
        if self.landmark_until / self.landmark_every > 1000:
            raise _broken("landmark_every", "more than 1000 landmarks: choose a wider landmark_every")
        return self

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

    @cached_property
    def event_names(self) -> tuple[str, ...]:
        """Names of causes 1..K, in order."""
        return tuple(event.name for event in self.event)

    def found_by_test(self, cause: int) -> bool:
        """Whether this cause (1..K) is found by tests, so that its onset is interval censored."""
        return self.event[cause - 1].observed == "test"


def _broken(key: str, rule: str) -> PydanticCustomError:
    """Build a rule's error that carries the key to point at."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "key": key})


def names_that_clash(document: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """Find references to names that do not exist and names given twice, in a document that may be broken otherwise.

    Works on the raw document, so that these faults are listed beside the ones that `Study` itself finds.
    Returns (path of the key, rule) pairs.
    """
    found: list[tuple[tuple[str | int, ...], str]] = []
    tables = {key: [t for t in _list(document.get(key)) if isinstance(t, dict)] for key in _TABLES}
    events = [table.get("name") for table in tables["event"]]
    columns: set[object] = {"patient_id", "time", "date", "event", "origin_date", "centre", "last_negative_time"}
    for key in _TABLES:
        taken = set() if key == "event" else columns
        for index, table in enumerate(tables[key]):
            name = table.get("name")
            if isinstance(name, str) and name in taken | ({"none"} if key == "event" else set()):
                found.append(((key, index, "name"), f'the name "{name}" is taken'))
            taken.add(name if isinstance(name, str) else None)
    for index, table in enumerate(tables["baseline"]):
        found += _unknown_events(("baseline", index, "prior"), table.get("prior"), events)
    for index, table in enumerate(tables["test"]):
        found += _unknown_events(("test", index, "sees"), table.get("sees"), events)
    seen = {name for table in tables["test"] for name in _dict(table.get("sees"))}
    for index, table in enumerate(tables["event"]):
        if table.get("observed") == "test" and table.get("name") not in seen:
            found.append((("event", index, "observed"), 'observed = "test", but no [[test]] sees this event'))
    if tables["event"] and not any(table.get("role") == "target" for table in tables["event"]):
        found.append((("event", 0, "role"), 'at least one event needs role = "target"'))
    return found


_TABLES = ("event", "baseline", "marker", "test")


def _unknown_events(
    path: tuple[str | int, ...], table: object, events: list[object]
) -> list[tuple[tuple[str | int, ...], str]]:
    unknown = [name for name in _dict(table) if name not in events]
    return [((*path, name), f'no [[event]] is named "{name}"') for name in unknown]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
