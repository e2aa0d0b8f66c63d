"""Writers on one patient, all at once: nothing accepted is lost, nothing is overwritten unseen, one audit log."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from examples.service_load.clinic import all_at_once, day, enter_patient
from examples.service_load.options import require
from examples.service_load.process import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.service_load.caller import Caller
    from examples.service_load.databases import Place
    from examples.service_load.options import Options

STEP_MM = 2.0**-6  # A power of two: adding it up is exact.
FIRST_MM = 1.0


@dataclass
class Written:
    """What one writer was told of.

    Attributes
    ----------
    visits : identifier by date
    versions : of the record, as each accepted change left it
    added : corrections accepted
    late : corrections refused since somebody else had changed the record
    refused : tries refused for now (503)
    """

    visits: dict[str, str] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)
    added: int = 0
    late: int = 0
    refused: int = 0


def report(options: Options, place: Place) -> Iterator[str]:
    """Run and yield lines; raises BrokenPromiseError."""
    with serving(place, options.artifacts) as service:
        path = enter_patient(service.caller(), size_mm=FIRST_MM)
        until = time.monotonic() + options.seconds
        writers = [Written() for _ in range(options.clients)]

        def work(number: int) -> None:
            mine, turn = service.caller(), 0
            while time.monotonic() < until:
                # Every day is one writer's.
                _enter(mine, path, day(1 + turn * options.clients + number), writers[number])
                _add(mine, path, writers[number])
                turn += 1

        all_at_once(work, options.clients, during=lambda: None)
        service.stop()
        service.start()
        _require_all(service.caller(), path, writers)
        log = service.verify_audit_log()
    n_visits, n_added = sum(len(each.visits) for each in writers), sum(each.added for each in writers)
    yield (
        f"{options.clients} writers on one patient for {options.seconds:g} s: {n_visits} visits and {n_added} "
        f"additions accepted, {sum(each.late for each in writers)} additions refused as late (412), "
        f"{sum(each.refused for each in writers)} tries refused for now (503)"
    )
    yield "after a restart: every accepted visit is there, the sum is right, each change had a version of its own"
    yield f"audit log: {log}"


def _enter(caller: Caller, path: str, date: str, written: Written) -> None:
    body = {"date": date, "tests": {"sigmoidoscopy": "negative"}}
    made = caller.write(f"{path}/visits", body, uuid.uuid4().hex)
    written.visits[date] = made.answer.json()["visit_id"]
    written.versions.append(made.answer.headers["etag"])
    written.refused += made.refused


def _add(caller: Caller, path: str, written: Written) -> None:
    """Read, add and write back once: whoever is late is told so, and lost nothing of anybody else's."""
    read = caller.ask("GET", path)
    size = read.json()["baseline"]["size_mm"] + STEP_MM
    answer = caller.ask("PATCH", path, {"baseline": {"size_mm": size}}, If_Match=read.headers["etag"])
    require(answer.status in (200, 412, 503), f"an addition is accepted, late or refused (was {answer.status})")
    if answer.status == 200:
        written.added += 1
        written.versions.append(answer.headers["etag"])
    written.late += answer.status == 412
    written.refused += answer.status == 503


def _require_all(caller: Caller, path: str, writers: list[Written]) -> None:
    record, visits = caller.ask("GET", path), caller.ask("GET", f"{path}/visits").json()["visits"]
    entered = {date: visit_id for each in writers for date, visit_id in each.visits.items()}
    require({each["date"]: each["visit_id"] for each in visits} == entered, "every accepted visit is there")
    size = FIRST_MM + STEP_MM * sum(each.added for each in writers)
    require(record.json()["baseline"]["size_mm"] == size, "no addition is lost")
    versions = sorted(int(etag.strip('"')) for each in writers for etag in each.versions)
    require(versions == list(range(2, len(versions) + 2)), "each change leaves a version of its own")
    require(record.json()["version"] == len(versions) + 1, "the version counts the accepted changes")
