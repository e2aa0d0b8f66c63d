"""Policy files: how delay is weighed against burden, and the clinical limits. Small TOML that a clinician can read."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from model.schedule.actions import Burden
from model.study.document import parse_document, read_text
from model.study.entries import Frozen, Positive, Text, broken

POLICIES = Path(__file__).parent / "policies"
NotNegative = Annotated[float, Field(ge=0)]


class Policy(Frozen):
    """A whole policy file. Times are in months; costs in the study's units.

    `rule` says what sets the price of a month that a recurrence is there and unseen: `price` itself; `match-guideline`,
    at which the expected undetected months of a cohort equal those under the guideline (the price found is then written
    into the file, so that one patient's plan needs no cohort); `target-delay`, for each patient the price at which an
    onset stays unseen for so many months on average. `max-unseen-risk` is the study's own rule: it knows no price.
    """

    rule: Literal["price", "match-guideline", "target-delay", "max-unseen-risk"]
    guideline: Text | None = None
    delay_months: Positive | None = None
    price: Annotated[float | None, Field(gt=0, validate_default=True)] = None
    shortest_interval_months: Positive = 3.0
    longest_interval_months: Positive | None = None
    first_visit_by_months: Positive | None = None
    must_visit_months: Annotated[tuple[Positive, ...], Field(strict=False)] = ()
    until_months: Positive = 120.0
    at_least_ahead_months: NotNegative = 60.0
    burden_day_cost: NotNegative = 0.0
    false_positive_cost: NotNegative = 0.0
    window_loss: NotNegative = 0.1
    most_shift_months: NotNegative = 3.0
    shift_gain: NotNegative = 0.2
    cautious: bool = False
    source: Text | None = None

    @field_validator("guideline")
    @classmethod
    def _guideline_is_named(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("rule") not in (None, "match-guideline"):
            raise broken('only with rule = "match-guideline"')
        return value

    @field_validator("delay_months")
    @classmethod
    def _delay_has_its_rule(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("rule") not in (None, "target-delay"):
            raise broken('only with rule = "target-delay"')
        return value

    @field_validator("price")
    @classmethod
    def _rule_has_its_figure(cls, value: float | None, info: ValidationInfo) -> float | None:
        rule, given = info.data.get("rule"), info.data
        if rule == "price" and value is None:
            raise broken('rule "price" needs a price')
        if rule in ("target-delay", "max-unseen-risk") and value is not None:
            raise broken(f'rule "{rule}" has no price')
        if rule == "target-delay" and given.get("delay_months", 1.0) is None:
            raise broken('rule "target-delay" needs delay_months')
        if rule == "match-guideline" and given.get("guideline", "") is None:
            raise broken('rule "match-guideline" needs the id of a guideline')
        return value

    @field_validator("longest_interval_months")
    @classmethod
    def _bounds_in_order(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and value < info.data.get("shortest_interval_months", 0.0):
            raise broken("longest_interval_months must be at least shortest_interval_months")
        return value

    @field_validator("must_visit_months")
    @classmethod
    def _visits_ascend(cls, value: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        shortest = info.data.get("shortest_interval_months", 0.0)
        if any(later - earlier < shortest for earlier, later in pairwise(value)):
            raise broken("must_visit_months must ascend, at least shortest_interval_months apart")
        return value

    @property
    def burden(self) -> Burden:
        """What a visit costs under this policy."""
        return Burden(self.burden_day_cost, self.false_positive_cost)


def read_policy(path: Path) -> Policy:
    """Read and check a policy file; raises BadInputError that lists every mistake with line and key."""
    return parse_policy(read_text(path, what="policy file"), file=str(path))


def parse_policy(text: str, *, file: str) -> Policy:
    """Turn TOML text into a policy; `file` is the name to use in error messages."""
    return parse_document(text, Policy, file=file, what="policy file")
