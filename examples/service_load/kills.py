"""The process is killed (SIGKILL) again and again in mid-load: no acknowledged visit is lost, none is there twice."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from examples.service_load.clinic import Clinic, all_at_once, require_record, said
from examples.service_load.process import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.service_load.databases import Place
    from examples.service_load.options import Options

LOAD_SECONDS = (0.3, 2.0)


def report(options: Options, place: Place) -> Iterator[str]:
    """Run and yield lines; raises BrokenPromiseError."""
    rng = random.Random(options.seed)  # noqa: S311 - moments to kill at
    with serving(place, options.artifacts) as service:
        clinics = [Clinic(service.caller()) for _ in range(options.clients)]
        left, starts = options.kills, []

        def work(number: int) -> None:
            while left:
                clinics[number].enter_visit()

        def kill_again_and_again() -> None:
            nonlocal left
            try:
                while left:
                    time.sleep(rng.uniform(*LOAD_SECONDS))
                    service.kill()
                    starts.append(service.start())
                    left -= 1
            finally:
                left = 0

        all_at_once(work, options.clients, during=kill_again_and_again)
        require_record(service, clinics)
        log = service.verify_audit_log()
    yield f"{options.clients} clients, killed {len(starts)} times; ready again after {max(starts):.1f} s at most"
    yield from said(clinics)
    yield f"audit log: {log}"
