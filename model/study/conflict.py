"""Which values of a number each level of another baseline stands for: a record that says both can be checked."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from model.study.entries import Frozen, Name, Text, broken


class Span(Frozen):
    """Values of a number between two ends, each with (`at_least`, `at_most`) or without (`above`, `below`) itself."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _holds_some_numbers_and_not_all(self) -> Self:
        if None not in (self.at_least, self.above) or None not in (self.at_most, self.below):
            raise broken("each end is given once: at_least or above, at_most or below")
        if self.low == -math.inf and self.high == math.inf:
            raise broken("must have an end: at_least, above, at_most or below")
        if self.low > self.high:
            raise broken("no number is in it: the lower end lies above the upper end")
        return self

    @property
    def low(self) -> float:
        """The least number within."""
        if self.above is not None:
            return math.nextafter(self.above, math.inf)
        return -math.inf if self.at_least is None else self.at_least

    @property
    def high(self) -> float:
        """The greatest number within."""
        if self.below is not None:
            return math.nextafter(self.below, -math.inf)
        return math.inf if self.at_most is None else self.at_most


class Conflict(Frozen):
    """Two baselines that can contradict each other: the levels of `column` stand for ranges of `number`.

    The level may also rest on another baseline, `raised_by`: where that is known, a number below the level's range
    contradicts nothing.
    """

    column: Name
    number: Name
    ranges: Annotated[dict[str, Span], Field(min_length=1)]
    raised_by: Name | None = None
    source: Text | None = None

    @field_validator("ranges")
    @classmethod
    def _apart(cls, value: dict[str, Span]) -> dict[str, Span]:
        for (level, span), (later, above) in pairwise(sorted(value.items(), key=lambda item: item[1].low)):
            if above.low <= span.high:
                raise broken(f"the ranges of {level} and {later} overlap")
        return value
