"""Command line: `python -m service.monitor`, for a nightly job: what the monitoring endpoints answer, as files."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from model.command_line import BAD_INPUT, result, run, say
from model.saved.atomic_file import new_file
from service.api.outgoing_monitoring import MonitoringOut, OverdueOut
from service.app import utc_now
from service.errors import ServiceError
from service.models.models import answering
from service.models.registry import Registry
from service.monitoring.overdue import find_overdue
from service.monitoring.report import calibration_answer, drift_answer
from service.settings import SettingsError, read_monitor_settings
from service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from service.api.wire import Out
    from service.settings import MonitorSettings

# In which way an input has drifted.
WORDS = {"mean": "values", "share": "how often recorded", "use": "how often recorded, against training"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Monitor; returns 2 with one line on stderr if a setting, the model or the database is no good."""
    os.umask(0o077)  # The list of overdue patients is nobody else's to read.
    try:
        settings = read_monitor_settings(arguments, os.environ)
        return run(lambda: monitor(settings, utc_now().date()))
    except (SettingsError, ServiceError) as error:
        say(str(error))
    except SQLAlchemyError as error:
        say(f"database: cannot be used ({type(error).__name__})")
    return BAD_INPUT


def monitor(settings: MonitorSettings, today: date) -> None:
    """Read, work out, write; raises ArtifactError or SQLAlchemy's errors, and nothing is written then."""
    database = Database(settings.database)
    try:
        database.check()
        ready = answering(Registry(settings.artifacts, settings.policies, settings.model_key), database)
        model = ready.model
        say("calibration")
        calibration = calibration_answer(model, database, today)
        say("drift of inputs")
        found = MonitoringOut(calibration=calibration, drift=drift_answer(model, database, today))
        late = None
        if settings.overdue is not None:
            say("overdue visits")
            late = OverdueOut.of(model, find_overdue(model, ready.planning, database, today, {}), today)
    finally:
        database.close()
    if settings.overdue is not None and late is not None:
        _write(settings.overdue, late)
        result(f"overdue: {late.total} of {late.open_patients} patients under follow-up")
    _write(settings.out, found)
    for line in in_short(found):
        result(line)
    result(str(settings.out))


def in_short(found: MonitoringOut) -> list[str]:
    """Say the most important in lines: who was read, alarms, and the last quarter that is over: drift, use of tests."""
    calibration, inputs = found.calibration, found.drift.inputs
    lines = [f"{calibration.patients} patients, {calibration.another_study} more that this model cannot read"]
    lines += [
        f"ALARM: {alarm.event or 'any target event'}: {alarm.looks_for}, since {alarm.since} "
        f"(score {alarm.score:.1f}, limit {alarm.limit:.1f})"
        for alarm in calibration.alarms
        if alarm.alarm
    ] or ["no alarm"]
    last = max((item.quarter for item in inputs if item.over), default=None)
    drifted = [item for item in inputs if item.quarter == last and item.drift]
    lines += [
        f"drift in {last}: {item.label}{f' = {item.level}' if item.level else ''}: "
        + " and ".join(WORDS[way] for way in item.drift)
        for item in drifted
    ]
    tests = [item for item in inputs if item.quarter == last and item.kind == "test" and item.share is not None]
    if tests:
        done = ", ".join(f"{item.label} {_percent(item.share)} ({_percent(item.trained_share)})" for item in tests)
        lines.append(f"done at {tests[0].n} visits of {last} (at training visits as long after the origin): {done}")
    return [*lines, calibration.model.notice]


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.0f} %"


def _write(path: Path, document: Out) -> None:
    with new_file(path) as scratch:
        scratch.write_text(document.model_dump_json(indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
