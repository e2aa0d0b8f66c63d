"""What is published about each cohort, and what had to be assumed, as a literature file beside the study states it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from model.errors import BadInputError, Problem
from model.study.document import parse_document, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from model.study.definition import Study

BINARY_LEVELS = ("no", "yes")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
SomeText = Annotated[tuple[str, ...], Field(min_length=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SizeLaw(_Frozen):
    """How sizes lie between published bounds: `column` of the study, log-normal; `source` says where that is from."""

    column: str
    log_mean: float
    log_sd: Positive
    source: str


class Size(_Frozen):
    """Sizes between two bounds; at most one of mean and median is published."""

    low: Positive
    high: Positive
    mean: Positive | None = None
    median: Positive | None = None

    @model_validator(mode="after")
    def _is_possible(self) -> Size:
        if self.mean is not None and self.median is not None:
            raise ValueError("mean or median, not both")
        if not all(self.low < each < self.high for each in (self.mean, self.median) if each is not None):
            raise ValueError("mean and median lie between low and high")
        if self.low >= self.high:
            raise ValueError("low is below high")
        return self


class FollowUp(_Frozen):
    """How long patients were followed, in months."""

    months: Positive
    what: Literal["mean", "median", "assumed"]


class Visits(_Frozen):
    """Visits, of which the published cohorts say next to nothing.

    Attributes
    ----------
    planned, spread : months of the plan, and the sd of the day around it
    attendance, weight : mean share of visits kept, and the sum of the parameters of the beta law that it is drawn from
    returning : share of patients who come at all
    done : share of visits at which each test is done
    source : where all this is from
    """

    planned: tuple[Positive, ...]
    spread: Annotated[float, Field(ge=0)]
    attendance: Share
    weight: Positive
    returning: Share
    done: dict[str, Share]
    source: str


class OtherVisits(_Frozen):
    """What one cohort says about its visits instead."""

    attendance: Share | None = None
    returning: Share | None = None


class Published(_Frozen):
    """One cohort; the keys are explained in the shipped file."""

    id: str
    title: str
    source: str
    mark: Literal["V", "V2"]
    row: str
    published: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    n: Annotated[int, Field(gt=0)]
    recurrences: Annotated[int, Field(ge=0)]
    counts: SomeText
    size: Size
    follow_up: FollowUp
    share: dict[str, dict[str, Share]] = {}
    visits: OtherVisits = OtherVisits()
    assumed: SomeText

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
    """The whole file; `reservations` say how far the comparison can be relied on."""

    reservations: SomeText
    size: SizeLaw
    visits: Visits
    cohort: Annotated[tuple[Published, ...], Field(min_length=1)]
    left_out: tuple[LeftOut, ...] = ()
    _sha256: str = PrivateAttr("")

    @property
    def sha256(self) -> str:
        """Sum of the file that it was read from."""
        return self._sha256


def beside(study_path: Path) -> Path | None:
    """The file that belongs to a study file, as `rnet_literature.toml` to `rnet.toml`; None if there is none."""
    path = study_path.with_name(f"{study_path.stem}_literature.toml")
    return path if path.is_file() else None


def read_literature(path: Path, study: Study) -> Literature:
    """Read a literature file and check it against the study that is to answer it.

    Raises BadInputError that lists every fault, among them every cause, test, column or level that the study lacks.
    """
    what = "literature file"
    literature = parse_document(read_text(path, what=what), Literature, file=str(path), what=what)
    if problems := [Problem(str(path), None, name, rule) for name, rule in _lacking(study, literature)]:
        raise BadInputError(problems)
    literature._sha256 = hashlib.sha256(path.read_bytes()).hexdigest()  # noqa: SLF001 - ours, and no key of the file
    return literature


def levels_of(study: Study, column: str) -> tuple[str, ...]:
    """Levels of a column in the order of their codes 0, 1, ...; none for a number or an unknown column."""
    for baseline in study.baseline:
        if baseline.name == column:
            return BINARY_LEVELS if baseline.kind == "binary" else tuple(baseline.levels)
    return ()


def _lacking(study: Study, literature: Literature) -> Iterator[tuple[str, str]]:
    tests, numbers = {test.name for test in study.test}, {each.name for each in study.baseline if each.kind == "number"}
    targets = {study.event_names[cause - 1] for cause in study.targets if study.found_by_test(cause)}
    for test in sorted(set(literature.visits.done) - tests):
        yield test, f"study {study.name} has no such test, and published cohorts are seen by it"
    for event in sorted({each for cohort in literature.cohort for each in cohort.counts} - targets):
        yield event, f"study {study.name} has no such event found by tests, and published cohorts count it"
    if literature.size.column not in numbers:
        yield literature.size.column, f"study {study.name} has no such number, and published cohorts state it"
    levels = {
        (column, level) for cohort in literature.cohort for column, share in cohort.share.items() for level in share
    }
    for column, level in sorted(levels):
        if level not in levels_of(study, column):
            yield column, f"study {study.name} has no level {level}, and published cohorts state it"
