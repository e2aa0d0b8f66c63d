"""The entries of a study file: events, baselines, markers, tests, strata, policy, each with its rules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Sequence

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Positive = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Group = Literal["demographics", "imaging", "pathology", "biomarker", "treatment"]
Tier = Literal["primary", "regional", "tertiary"]
Transform = Literal["none", "log", "log1p"]


def broken(rule: str) -> PydanticCustomError:
    """Say in our own words which rule a value breaks."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule})


def _two_ends(value: object) -> object:
    if not isinstance(value, list) or len(value) != 2:
        raise broken("must be two numbers, the lower and the upper end")
    return value


Range = Annotated[tuple[float, float], Field(strict=False), BeforeValidator(_two_ends)]


class Frozen(BaseModel):
    """A table of the study file: its keys are all known, its values have the right type as written.

    Rules over several keys stand at the last of them, so that they are checked even where another key is wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class BaselineHazard(Frozen):
    """What is published about how often an event begins in the reference patient (every baseline at its `reference`).

    Cumulative hazard at time t: cumulative_hazard (t / by)^power, known up to a factor whose log has sd `log_sd`.
    """

    cumulative_hazard: Positive
    by: Positive
    power: Annotated[float, Field(gt=0, le=5)] = 1.0
    log_sd: Positive
    source: Text


class Event(Frozen):
    """Something that ends follow-up: a target recurrence or a competing event.

    What is found by tests may be seen now and then before its onset: it begins `lead` before it and grows at a pace
    that differs between patients, log-normally with `pace_log_sd`. At twice the usual pace its times are halved.
    `pace` says by how much the log pace rises per unit of a transformed baseline; the usual pace is that at its
    `reference`. Where several are found at one visit the outcome names one: the most severe, as far as `severity` says.
    """

    name: Name
    role: Literal["target", "competing"]
    observed: Literal["test", "exact"]
    lead: Annotated[float, Field(ge=0)] = 0.0
    pace_log_sd: Annotated[float, Field(ge=0, le=2)] = 0.0
    pace: dict[Name, float] = Field(default_factory=dict)
    severity: Annotated[int, Field(ge=1)] | None = None
    prior: BaselineHazard | None = None
    label: Text | None = None
    source: Text | None = None

    @field_validator("lead", "pace_log_sd", "pace", "severity")
    @classmethod
    def _only_what_tests_find_grows(cls, value: object, info: ValidationInfo) -> object:
        if value and info.data.get("observed") == "exact":
            raise broken('only for events with observed = "test"')
        return value


class Prior(Frozen):
    """A published log hazard ratio per unit of the transformed variable, or of one level against the first."""

    log_hazard_ratio: float
    sd: Positive
    source: Text
    level: str | None = None


Priors = Annotated[tuple[Prior, ...], Field(strict=False), BeforeValidator(lambda v: [v] if isinstance(v, dict) else v)]


class _Measured(Frozen):
    """What baselines and markers share: a unit, an allowed range, a scale to model on."""

    name: Name
    label: Text | None = None
    unit: Text | None = None
    range: Range | None = None
    group: Group
    transform: Transform = "none"
    source: Text | None = None
    no_prior: Text | None = None

    @field_validator("range")
    @classmethod
    def _range_ascends(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[0] >= value[1]:
            raise broken("the range's lower end must be below its upper end")
        return value

    @field_validator("transform")
    @classmethod
    def _transform_fits_the_range(cls, value: Transform, info: ValidationInfo) -> Transform:
        least = {"none": -math.inf, "log": 0.0, "log1p": -1.0}[value]
        if value == "none" or "range" not in info.data:
            return value
        if info.data["range"] is None:
            raise broken(f'transform "{value}" needs a range')
        if info.data["range"][0] <= least:
            raise broken(f'transform "{value}" needs a range above {least:g}')
        return value


class Baseline(_Measured):
    """A column of `patients`, known at time 0."""

    kind: Literal["number", "binary", "category", "ordinal"]
    levels: Annotated[tuple[str, ...], Field(strict=False, validate_default=True)] = ()
    required: bool = False
    reference: float | None = None
    prior: dict[Name, Priors] = Field(default_factory=dict)

    @field_validator("kind")
    @classmethod
    def _kind_fits_the_scale(cls, value: str, info: ValidationInfo) -> str:
        if value != "number" and (info.data.get("range") is not None or info.data.get("transform", "none") != "none"):
            raise broken(f'kind "{value}" has neither range nor transform')
        return value

    @field_validator("levels")
    @classmethod
    def _levels_fit_the_kind(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        kind = info.data.get("kind")
        if kind is not None and (kind in ("category", "ordinal")) != bool(value):
            raise broken(f'kind "{kind}" {"has no" if value else "needs"} levels')
        if len(set(value)) != len(value) or len(value) == 1:
            raise broken("levels must be at least two, each once")
        if any(not level or level != level.strip() for level in value):
            raise broken("a level is not blank, and neither starts nor ends with a space")
        return value

    @field_validator("reference")
    @classmethod
    def _reference_is_a_value(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is None or "kind" not in info.data:
            return value
        if info.data["kind"] != "number":
            raise broken("only for numbers: of everything else the first level, or 0, is the reference")
        low, high = info.data.get("range") or (-math.inf, math.inf)
        if not low <= value <= high:
            raise broken("must lie within the range")
        return value

    @field_validator("prior")
    @classmethod
    def _priors_fit_the_kind(cls, value: dict[str, Priors], info: ValidationInfo) -> dict[str, Priors]:
        kind, levels = info.data.get("kind"), info.data.get("levels")
        if kind is None or levels is None:
            return value
        if kind == "category":
            allowed: Sequence[str | None] = levels[1:]
            rule = f"a category's prior names one level other than the first ({', '.join(levels[1:])})"
        else:
            allowed, rule = [None], f'kind "{kind}" has one prior per event and no level'
        named = {event: [prior.level for prior in priors] for event, priors in value.items()}
        wrong = [e for e, of in named.items() if not set(of) <= set(allowed) or len(set(of)) != len(of)]
        if wrong:
            faults = [InitErrorDetails(type=broken(rule), loc=(event,), input=None) for event in wrong]
            raise ValidationError.from_exception_data("prior", faults)
        return value


class Marker(_Measured):
    """A column of `visits` that is measured again and again."""


class Sensitivity(Frozen):
    """Chance that a test finds one cause, u after its onset at the usual pace.

    max - (max - start) 2^(-(u / half_time)^shape). Between beginning and onset it rises geometrically from `first` to
    `start`. A shape above 1 is for a test that sees little long after onset, then soon nearly all.
    """

    start: Probability
    max: Probability
    half_time: Annotated[float, Field(ge=0)]
    shape: Annotated[float, Field(gt=0, le=5)] = 1.0
    first: Annotated[float, Field(gt=0, le=1)] | None = None
    source: Text | None = None

    @field_validator("max")
    @classmethod
    def _grows(cls, value: float, info: ValidationInfo) -> float:
        if value <= 0 or value < info.data.get("start", 0.0):
            raise broken("max must be above 0 and at least start: what grows is seen better")
        return value

    @field_validator("first")
    @classmethod
    def _starts_small(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and value > info.data.get("start", 1.0):
            raise broken("first must be at most start: what grows is seen better")
        return value


class Test(Frozen):
    """A surveillance test: a column of `visits` that says not done, negative or positive."""

    name: Name
    label: Text | None = None
    cost: Annotated[float, Field(ge=0)] = 1.0
    burden_days: Annotated[float, Field(ge=0)] = 0.0
    false_positive: Annotated[float, Field(ge=0, lt=1)] = 0.0
    tiers: Annotated[tuple[Tier, ...], Field(strict=False, min_length=1)] = ("primary", "regional", "tertiary")
    sees: Annotated[dict[Name, Sensitivity], Field(min_length=1)]
    source: Text | None = None

    @field_validator("tiers")
    @classmethod
    def _each_tier_once(cls, value: tuple[Tier, ...]) -> tuple[Tier, ...]:
        if len(set(value)) != len(value):
            raise broken("a tier is named once")
        return value


class Strata(Frozen):
    """A column by which published guidelines sort patients: numbers cut at `cuts`, anything else by its levels."""

    column: Name
    cuts: Annotated[tuple[float, ...], Field(strict=False)] = ()
    source: Text | None = None

    @field_validator("cuts")
    @classmethod
    def _cuts_ascend(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)):
            raise broken("cuts must ascend, each once")
        return value


class Policy(Frozen):
    """Figures of the first schedule rule, in the study's time unit."""

    unseen_risk_limit: Annotated[float, Field(gt=0, lt=1)]
    shortest_interval: Positive
    longest_interval: Positive
    visit_cost: Annotated[float, Field(ge=0)] = 0.0
    source: Text | None = None

    @field_validator("longest_interval")
    @classmethod
    def _bounds_in_order(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("shortest_interval", 0.0):
            raise broken("longest_interval must be at least shortest_interval")
        return value
