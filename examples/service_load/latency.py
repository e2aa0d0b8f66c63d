"""How long a posted visit takes: durable write, risk and schedule, beside the same write without risk and schedule.

A positive result awaits work-up: a patient who has one is given no risk and no schedule, by the same route and with the
same durable write. So the same service, in the same run, answers visits with and without model and plan. Blocks of
either kind alternate; within a block all clients post the same kind, so that neither waits for the other.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from examples.service_load.clinic import VISITS_EACH, all_at_once, enter_patient, visit
from examples.service_load.options import require
from examples.service_load.process import ServiceProcess, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.service_load.caller import Caller
    from examples.service_load.databases import Place
    from examples.service_load.options import Options

KINDS = {"negative": "with risk and schedule", "positive": "without"}
WARM_UP_SECONDS = 2.0


@dataclass
class Posted:
    """What blocks of one kind took.

    Attributes
    ----------
    times : seconds of each visit
    wall, cpu : seconds of all blocks; processor time is the service's
    """

    times: list[float] = field(default_factory=list)
    wall: float = 0.0
    cpu: float = 0.0


def report(options: Options, place: Place) -> Iterator[str]:
    """Run and yield lines; raises BrokenPromiseError for any answer but 201."""
    with serving(place, options.artifacts) as service:
        for finding in KINDS:
            _block(service, finding, options.clients, WARM_UP_SECONDS)
        found = {finding: Posted() for finding in KINDS}
        for _ in range(options.blocks):
            for finding, posted in found.items():
                block = _block(service, finding, options.clients, options.seconds)
                posted.times += block.times
                posted.wall += block.wall
                posted.cpu += block.cpu
        log = service.verify_audit_log()
    yield f"{options.clients} clients, {options.blocks} blocks of {options.seconds:g} s of each kind; no error"
    for finding, posted in found.items():
        p50, p95, p99 = 1000 * np.quantile(posted.times, (0.5, 0.95, 0.99))
        yield (
            f"{KINDS[finding]}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, "
            f"{len(posted.times) / posted.wall:.1f} visits/s, "
            f"{1000 * posted.cpu / len(posted.times):.0f} ms of processor time each ({len(posted.times)} visits)"
        )
    medians = [np.median(posted.times) for posted in found.values()]
    yield f"ratio of medians: {medians[0] / medians[1]:.1f}"
    yield f"audit log: {log}"


def _block(service: ServiceProcess, finding: str, n_clients: int, seconds: float) -> Posted:
    """Let every client post visits of one kind for a while."""
    block, began, cpu = Posted(), time.monotonic(), service.cpu_seconds()

    def work(_: int) -> None:
        caller = service.caller()
        while time.monotonic() < began + seconds:
            path = enter_patient(caller)
            for number in range(VISITS_EACH):
                if time.monotonic() < began + seconds:
                    block.times.append(_post(caller, path, number, finding))

    all_at_once(work, n_clients, during=lambda: None)
    block.wall, block.cpu = time.monotonic() - began, service.cpu_seconds() - cpu
    return block


def _post(caller: Caller, path: str, number: int, finding: str) -> float:
    """Post a visit; a finding is that of the first one, all others find nothing. Returns the seconds."""
    body = visit(number, finding=finding if number == 0 else "negative")
    began = time.perf_counter()
    answer = caller.ask("POST", f"{path}/visits", body)
    seconds = time.perf_counter() - began
    require(answer.status == 201, f"a visit is accepted (was {answer.status})")
    told = answer.json()
    planned = told["risk"] is not None and told["schedule"] is not None
    require(planned == (finding == "negative"), "a visit is answered with risk and schedule unless work-up is awaited")
    return seconds
