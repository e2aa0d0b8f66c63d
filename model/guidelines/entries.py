"""The entries of a guidelines or tiers file: conditions on a patient's facts, visits, advice, each with its source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from model.study.entries import Frozen, Name, Positive, Text, Tier, broken

Mark = Literal["V", "V2", "S", "U", "D", "P"]
MARKS: dict[Mark, str] = {
    "V": "read in the cited source",
    "V2": "read in a source that quotes it",
    "S": "stated in the review the project starts from",
    "U": "background knowledge, not verified",
    "D": "arithmetic on verified figures",
    "P": "the project's own proposal, not published",
}
"""What each mark says about where a row comes from."""
VERIFIED: frozenset[Mark] = frozenset({"V"})
"""Every other mark means: not read in the guideline itself, check it there before relying on it."""

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9/.+-]*$", max_length=60)]


def _as_table(value: object) -> object:
    """Accept the short forms: a list of levels, or true or false for a binary fact."""
    if isinstance(value, bool):
        return {"is_true": value}
    return {"one_of": value} if isinstance(value, list) else value


class Condition(Frozen):
    """What one fact must be: within bounds (a number), one of some levels, or true or false. Every key given must hold.

    In the file a list stands for `one_of`, true and false for `is_true`.
    """

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    one_of: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    is_true: bool | None = None

    @property
    def bounds(self) -> tuple[float, ...]:
        """The numbers at which the answer may change."""
        return tuple(b for b in (self.above, self.at_least, self.below, self.at_most) if b is not None)


Case = dict[Name, Annotated[Condition, BeforeValidator(_as_table)]]
"""Facts that must all be as stated."""


class Applies(Frozen):
    """Whom an entry is for: patients for whom any of these cases holds; everybody where none is given."""

    any_of: Annotated[tuple[Case, ...], Field(strict=False)] = ()


class Visits(Frozen):
    """The same tests at several months: those listed, or every so many months from the first to the last."""

    months: Annotated[tuple[Positive, ...], Field(strict=False)] = ()
    first: Positive | None = None
    every: Positive | None = None
    until: Positive | None = None
    tests: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]

    @field_validator("tests")
    @classmethod
    def _one_way_to_say_when(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        given = [info.data.get(key) for key in ("first", "every", "until")]
        if all(given) == bool(info.data.get("months")) or any(given) != all(given):
            raise broken("visits have either months, or first, every and until")
        return value

    def at(self) -> tuple[float, ...]:
        """Months since the origin."""
        if self.first is None or self.every is None or self.until is None:
            return self.months
        count = int((self.until - self.first) / self.every + 1e-9) + 1
        return tuple(self.first + index * self.every for index in range(count))


class Sourced(Applies):
    """An entry with its mark, its source and what had to be assumed because the source does not say (mark P)."""

    mark: Mark
    source: Text
    assumed: Annotated[tuple[Text, ...], Field(strict=False)] = ()

    @property
    def caution(self) -> str | None:
        """What must stand beside this entry wherever it is shown; None if it was read in the source itself."""
        if self.mark in VERIFIED and not self.assumed:
            return None
        parts = [] if self.mark in VERIFIED else [f"[{self.mark}] {MARKS[self.mark]}"]
        return "; ".join([*parts, *(f"[P] assumed: {each}" for each in self.assumed)])


class Row(Sourced):
    """Follow-up of one stratum; without visits, the guideline says that none is needed."""

    id: Id
    stratum: Text
    visits: Annotated[tuple[Visits, ...], Field(strict=False)] = ()
    also: Text | None = None


class Guideline(Frozen):
    """A body's follow-up: the first row that applies decides; about patients of no row it says nothing."""

    id: Id
    title: Text
    row: Annotated[tuple[Row, ...], Field(strict=False, min_length=1)]


class Rule(Sourced):
    """Treatment advice for one stratum: local resection suffices, radical surgery, or either by judgement."""

    kind: Literal["local", "radical", "either"]
    advice: Text


class Treatment(Frozen):
    """A body's rules for treatment; the first that applies decides."""

    id: Id
    title: Text
    rule: Annotated[tuple[Rule, ...], Field(strict=False, min_length=1)]


class Criterion(Sourced):
    """A reason to refer a patient to a tier that can do more."""

    id: Id
    to: Tier
    why: Text


class Resources(Frozen):
    """What a tier can do besides the tests, which the study file gives it."""

    tier: Tier
    title: Text
    techniques: Annotated[tuple[str, ...], Field(strict=False)]
    treatments: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    tracer_imaging: bool
    prrt: bool
    source: Text


class GuidelineFile(Frozen):
    """A whole guidelines file; months count from the origin.

    `when_missing` gives the value that is read for a fact nobody recorded, where one is assumed (mark P).
    """

    when_missing: dict[Name, str | float | bool] = Field(default_factory=dict)
    guideline: Annotated[tuple[Guideline, ...], Field(strict=False, min_length=1)]
    treatment: Annotated[tuple[Treatment, ...], Field(strict=False)] = ()


class TierFile(Frozen):
    """A whole tiers file, from the tier that can do least to the one that can do most."""

    tier: Annotated[tuple[Resources, ...], Field(strict=False, min_length=1)]
    technique_column: Name
    referral: Annotated[tuple[Criterion, ...], Field(strict=False)] = ()
