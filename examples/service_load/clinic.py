"""What clients send: patients of the default study with visits, and what the record must say of them at the end."""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from examples.demo import PATIENT
from examples.service_load.options import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from examples.service_load.caller import Acknowledged, Caller
    from examples.service_load.process import ServiceProcess

BASELINE = cast("dict[str, Any]", PATIENT["baseline"])
FOLLOWED_DAYS = 3300  # Nine years: within what the model answers for.
MONTHS_APART = 4
VISITS_EACH = 24


@dataclass
class Clinic:
    """One client, who enters visits of one patient after another, and what was acknowledged.

    Attributes
    ----------
    visits : identifiers by the patient's path
    """

    caller: Caller
    visits: dict[str, list[str]] = field(default_factory=dict)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    path: str = ""

    def enter_visit(self) -> None:
        """Enter the next visit, of a new patient once the present one has VISITS_EACH."""
        if not self.path or len(self.visits[self.path]) == VISITS_EACH:
            self.path = enter_patient(self.caller)
            self.visits[self.path] = []
        written = self.caller.write(f"{self.path}/visits", visit(len(self.visits[self.path])), uuid.uuid4().hex)
        self.visits[self.path].append(written.answer.json()["visit_id"])
        self.acknowledged.append(written)


def enter_patient(caller: Caller, **baseline: Any) -> str:
    """Enter a patient, with some values that differ, and return the path."""
    return caller.write("/v1/patients", new_patient(**baseline), uuid.uuid4().hex).answer.headers["location"]


def new_patient(**baseline: Any) -> dict[str, Any]:
    """A patient under a name of its own; the caller may change it."""
    own = {"patient_ref": uuid.uuid4().hex, "origin_date": day(0), "baseline": {**BASELINE, **baseline}}
    return {**PATIENT, **own}


def visit(number: int, *, finding: str = "negative") -> dict[str, Any]:
    """The patient's visit of that number, from 0."""
    tests = {"sigmoidoscopy": finding, "pelvic_mri" if number % 2 else "ct": "negative"}
    return {"date": day((number + 1) * MONTHS_APART * 30), "markers": {"cga": 50.0 + number}, "tests": tests}


def day(number: int) -> str:
    """The date of a day since the origin."""
    return (datetime.now(tz=UTC).date() - timedelta(days=FOLLOWED_DAYS - number)).isoformat()


def all_at_once(work: Callable[[int], None], n_clients: int, during: Callable[[], None]) -> None:
    """Let clients work, each in a thread, while something else happens; raises what any of them raised."""
    with ThreadPoolExecutor(n_clients) as pool:
        working = [pool.submit(work, number) for number in range(n_clients)]
        during()
        for each in working:
            each.result()


def require_record(service: ServiceProcess, clinics: list[Clinic]) -> None:
    """Each patient's record holds what was acknowledged, once each, and nothing else."""
    caller = service.caller()
    for clinic in clinics:
        for path, entered in clinic.visits.items():
            answer = caller.ask("GET", f"{path}/visits")
            require(answer.status == 200, f"a record is read (was {answer.status})")
            kept = [each["visit_id"] for each in answer.json()["visits"]]
            require(sorted(kept) == sorted(entered), "a record holds the acknowledged visits, once each")
            version = f'"{1 + len(entered)}"'
            require(answer.headers["etag"] == version, "a record's version counts the acknowledged writes")


def said(clinics: list[Clinic]) -> Iterator[str]:
    """Count what was acknowledged, and what it took."""
    counts = Counter(
        acknowledged=sum(len(clinic.acknowledged) for clinic in clinics),
        refused=sum(each.refused for clinic in clinics for each in clinic.acknowledged),
        cut_off=sum(each.cut_off for clinic in clinics for each in clinic.acknowledged),
        already=sum(each.already for clinic in clinics for each in clinic.acknowledged),
    )
    yield f"{counts['acknowledged']} visits acknowledged, each in the record once, nothing else in it"
    yield (
        f"{counts['refused']} tries refused for now, {counts['cut_off']} without an answer; "
        f"{counts['already']} visits had been written before the try that was answered"
    )
