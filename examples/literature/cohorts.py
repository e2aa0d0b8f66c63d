"""What is published about each cohort, and what had to be assumed, as `cohorts.toml` states it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model.errors import BadInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.study.definition import Study

FILE = Path(__file__).with_name("cohorts.toml")
BINARY_LEVELS = ("no", "yes")
SIZE = "size_mm"

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Size(_Frozen):
    """Sizes in mm between two bounds; at most one of mean and median is published."""

    low: Positive
    high: Positive
    mean: Positive | None = None
    median: Positive | None = None


class FollowUp(_Frozen):
    """How long patients were followed, in months."""

    months: Positive
    what: Literal["mean", "median", "assumed"]


class Visits(_Frozen):
    """Visits, of which the published cohorts say next to nothing.

    Attributes
    ----------
    planned, spread : months of the plan, and the sd of the day around it
    attendance : mean share of visits kept
    returning : share of patients who come at all
    done : share of visits at which each test is done
    """

    planned: tuple[Positive, ...]
    spread: Annotated[float, Field(ge=0)]
    attendance: Share
    returning: Share
    done: dict[str, Share]


class OtherVisits(_Frozen):
    """What one cohort says about its visits instead."""

    attendance: Share | None = None
    returning: Share | None = None


class Published(_Frozen):
    """One cohort; the keys are explained in `cohorts.toml`."""

    id: str
    title: str
    source: str
    mark: Literal["V", "V2"]
    row: str
    published: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    n: Annotated[int, Field(gt=0)]
    recurrences: Annotated[int, Field(ge=0)]
    counts: Annotated[tuple[str, ...], Field(min_length=1)]
    size: Size
    follow_up: FollowUp
    share: dict[str, dict[str, Share]] = {}
    visits: OtherVisits = OtherVisits()
    assumed: Annotated[tuple[str, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_possible(self) -> Published:
        if self.recurrences > self.n:
            raise ValueError("more recurrences than patients")
        for column, levels in self.share.items():
            if sum(levels.values()) > 1 + 1e-9:
                raise ValueError(f"{column}: shares sum to more than 1")
        return self

    def visits_of(self, everyday: Visits) -> Visits:
        """The everyday visits, except for what this cohort says itself."""
        return everyday.model_copy(update=self.visits.model_dump(exclude_none=True))


class LeftOut(_Frozen):
    """A published cohort that no prediction can be held against, and why."""

    row: str
    why: str


class Literature(_Frozen):
    """The whole file."""

    visits: Visits
    cohort: tuple[Published, ...]
    left_out: tuple[LeftOut, ...]


def read_literature() -> Literature:
    """Read the file that belongs to this package."""
    return Literature.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))


def check_answers(study: Study, literature: Literature) -> None:
    """Raise BadInputError unless the study has every cause, test, column and level that the cohorts speak of."""
    problems = [Problem(f"study {study.name}", None, name, rule) for name, rule in _lacking(study, literature)]
    if problems:
        raise BadInputError(problems)


def levels_of(study: Study, column: str) -> tuple[str, ...]:
    """Levels of a column in the order of their codes 0, 1, ...; none for a number or an unknown column."""
    for baseline in study.baseline:
        if baseline.name == column:
            return BINARY_LEVELS if baseline.kind == "binary" else tuple(baseline.levels)
    return ()


def _lacking(study: Study, literature: Literature) -> Iterator[tuple[str, str]]:
    tests, columns = {test.name for test in study.test}, {baseline.name for baseline in study.baseline}
    targets = {study.event_names[cause - 1] for cause in study.targets if study.found_by_test(cause)}
    for test in sorted(set(literature.visits.done) - tests):
        yield test, "no such test, and published cohorts are seen by it"
    for event in sorted({each for cohort in literature.cohort for each in cohort.counts} - targets):
        yield event, "no such recurrence found by tests, and published cohorts count it"
    if SIZE not in columns:
        yield SIZE, "no such column, and published cohorts state it"
    levels = {
        (column, level) for cohort in literature.cohort for column, share in cohort.share.items() for level in share
    }
    for column, level in sorted(levels):
        if level not in levels_of(study, column):
            yield column, f"no level {level}, and published cohorts state it"
