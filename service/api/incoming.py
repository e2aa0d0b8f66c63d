"""The wire format of what comes in: fields and types are known to the letter, nothing is converted."""

import datetime as dt
import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso_date(value: object) -> dt.date:
    try:
        if isinstance(value, str) and _ISO.fullmatch(value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError("must be a calendar date such as 2024-03-31")


def _no_control_characters(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in text):
        raise ValueError("must not hold control characters")
    return text


def _one_line(text: str) -> str:
    if not text.strip() or "\n" in text or "\t" in text:
        raise ValueError("must be one line and not blank")
    return _no_control_characters(text)


def _moment(value: object) -> dt.datetime:
    try:
        if isinstance(value, str) and _RFC_3339.fullmatch(value):
            return dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a moment with its zone such as 2024-03-31T12:00:00Z")


Date = Annotated[dt.date, BeforeValidator(_iso_date)]
Moment = Annotated[dt.datetime, BeforeValidator(_moment)]
Line = Annotated[str, Field(max_length=100), AfterValidator(_one_line)]
Reason = Annotated[str, Field(max_length=300), AfterValidator(_one_line)]
Name = Annotated[str, Field(max_length=60)]
Note = Annotated[str, Field(max_length=2000), AfterValidator(_no_control_characters)]
# Checked against the study of the loaded model, see service.rules; GET /v1/model lists its columns.
Columns = Annotated[dict[str, Any], Field(max_length=200)]

BASELINE = "By study column: numbers in the study's unit, true or false, or the name of a level; null = not known."
MARKERS = "By marker: a number in the study's unit; null = not measured."
TESTS = 'By test: "negative" or "positive"; null = not done.'


class In(BaseModel):
    """What comes in."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class PatientIn(In):
    """A patient."""

    patient_ref: Line
    origin_date: Annotated[Date, Field(description="Day 0 of the patient's clock: for rectal NET, the resection.")]
    centre: Line | None = None
    tier: Name | None = None
    baseline: Annotated[Columns, Field(description=BASELINE)]


class VisitIn(In):
    """A surveillance visit."""

    date: Date
    markers: Annotated[Columns, Field(description=MARKERS)] = {}
    tests: Annotated[Columns, Field(description=TESTS)] = {}
    note: Note | None = None


def _not_given() -> dt.date:
    """Stand in for a date that may be left out but not be null."""
    return dt.date.min


class PatientChangeIn(In):
    """What is to be corrected of a patient; what is left out stays, and so does what `baseline` leaves out."""

    origin_date: Annotated[Date, Field(default_factory=_not_given)]
    tier: Name | None = None
    baseline: Annotated[Columns, Field(description=BASELINE)] = {}


class VisitChangeIn(In):
    """What is to be corrected of a visit; what is left out stays, and so do results that are not named."""

    date: Annotated[Date, Field(default_factory=_not_given)]
    markers: Annotated[Columns, Field(description=MARKERS)] = {}
    tests: Annotated[Columns, Field(description=TESTS)] = {}
    note: Note | None = None


class DecisionIn(In):
    """What a clinician decided about a recommendation."""

    decision: Literal["accepted", "overridden"]
    reason: Annotated[Note | None, Field(description="Required for an override.")] = None


class OutcomeIn(In):
    """How follow-up ended."""

    date: Date
    event: Annotated[Name, Field(description='An event of the study, or "none": lost to follow-up without one.')]


class PlainPatientIn(In):
    """A patient of whom nothing is kept."""

    origin_date: Date
    baseline: Annotated[Columns, Field(description=BASELINE)]


class PlainVisitIn(In):
    """A visit of such a patient."""

    date: Date
    markers: Annotated[Columns, Field(description=MARKERS)] = {}
    tests: Annotated[Columns, Field(description=TESTS)] = {}


class ScheduleIn(In):
    """A question about a schedule that brings its own record."""

    patient: PlainPatientIn
    visits: Annotated[list[PlainVisitIn], Field(max_length=1000)] = []
    as_of: Date | None = None
    policy: Name | None = None
    tier: Name | None = None


class OutcomeChangeIn(In):
    """What is to be corrected of an outcome; what is left out stays."""

    date: Annotated[Date, Field(default_factory=_not_given)]
    event: Name = ""
