"""The database goes away under load and comes back: refused for now, then well again, and nothing half-written."""

from __future__ import annotations

import resource
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from examples.service_load.clinic import Clinic, all_at_once, require_record, said
from examples.service_load.options import require
from examples.service_load.process import ServiceProcess, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from examples.service_load.databases import Place
    from examples.service_load.options import Options

UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
WARM_UP_SECONDS = 2.0
MOST_SECONDS_TO_RECOVER = 60.0


def report(options: Options, place: Place) -> Iterator[str]:
    """Run each outage there is for the kind of database, and yield lines; raises BrokenPromiseError."""
    outages = {"stopped": _stopped} if place.server else {"locked": _locked, "disk full": _full}
    with serving(place, options.artifacts) as service:
        for name, outage in outages.items():
            yield from _report(name, outage, options, service)


def _report(
    name: str, outage: Callable[[ServiceProcess, float], None], options: Options, service: ServiceProcess
) -> Iterator[str]:
    clinics = [Clinic(service.caller()) for _ in range(options.clients)]
    going, recovered = True, 0.0

    def work(number: int) -> None:
        while going:
            clinics[number].enter_visit()

    def disturb() -> None:
        nonlocal going, recovered
        try:
            time.sleep(WARM_UP_SECONDS)
            outage(service, options.seconds)
            recovered = _until_written(clinics)
        finally:
            going = False

    all_at_once(work, options.clients, during=disturb)
    refused = sum(each.refused for clinic in clinics for each in clinic.acknowledged)
    require(refused > 0, "while the database is away writes are refused")
    ready = service.caller().ask("GET", "/readyz").status
    require(ready == 200, f"the service is ready again (was {ready})")
    require_record(service, clinics)
    log = service.verify_audit_log()
    yield f"database {name} for {options.seconds:g} s; every client served again {recovered:.1f} s after its return"
    yield from said(clinics)
    yield f"audit log: {log}"


def _until_written(clinics: list[Clinic]) -> float:
    """Wait until every client has had one more visit acknowledged; returns the seconds."""
    began, wanted = time.monotonic(), [len(clinic.acknowledged) + 1 for clinic in clinics]
    while any(len(clinic.acknowledged) < count for clinic, count in zip(clinics, wanted, strict=True)):
        time.sleep(0.02)
        require(time.monotonic() < began + MOST_SECONDS_TO_RECOVER, "every client is served again within a minute")
    return time.monotonic() - began


def _stopped(service: ServiceProcess, seconds: float) -> None:
    assert service.place.server is not None
    service.place.server.stop()
    time.sleep(seconds)
    service.place.server.start()


def _locked(service: ServiceProcess, seconds: float) -> None:
    with closing(sqlite3.connect(service.place.file, isolation_level=None, timeout=60)) as other:
        other.execute("begin immediate")
        time.sleep(seconds)
        other.execute("rollback")


def _full(service: ServiceProcess, seconds: float) -> None:
    """Let the process write to no file, as on a full disk (Linux): within its present size SQLite's log has room."""
    assert service.process is not None
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    time.sleep(seconds)
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, UNLIMITED)
