"""Enter a synthetic cohort into a service's database, with what a clinic would know of its patients by some day.

It is how a store of any size comes about in which monitoring has something to say. Times of the tables become whole
days; of two visits on one day the first is entered. Nothing that comes after the day is known: who was operated on
later is not there, and whose follow-up ended later is still followed. All dates are then moved: that day is today.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from model.study.definition import DAYS_PER_MONTH
from model.study.file import DEFAULT_STUDY, read_study
from service.record import Outcome, Patient, Value, Visit
from service.settings import SettingsError, database_url
from service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from model.study.definition import Study

PATIENTS_AT_ONCE = 500


def main() -> int:
    """Fill a database."""
    parser = argparse.ArgumentParser(prog="python -m examples.fill_store", description=__doc__)
    parser.add_argument("--cohort", type=Path, required=True, metavar="DIR", help="from python -m synthetic_data")
    parser.add_argument("--database", required=True, metavar="URL", help="sqlite:///file.sqlite")
    parser.add_argument("--until", type=date.fromisoformat, required=True, metavar="DATE", help="the last day known")
    options = parser.parse_args()
    try:
        n_patients = fill(options.cohort, options.database, options.until)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{n_patients} patients")
    return 0


def fill(cohort: Path, url: str, until: date) -> int:
    """Enter a cohort as known on a day, as if that were today; returns the number of patients, raises SettingsError."""
    study = read_study(DEFAULT_STUDY)
    database = Database(database_url(url))
    database.create_tables()
    now = datetime.now(tz=UTC)
    records = ((name, moved(patient, now.date() - until)) for name, patient in patients_of(cohort, study, until))
    n_patients = len(enter(database, records, study, now))
    database.close()
    return n_patients


def patients_of(cohort: Path, study: Study, until: date) -> Iterator[tuple[str, Patient]]:
    """Read the cohort's patients, each with a reference, visits and, if it is known by then, the outcome."""
    visits: dict[str, list[dict[str, str]]] = {}
    for row in _rows(cohort / "visits.csv"):
        visits.setdefault(row["patient_id"], []).append(row)
    outcomes = {row["patient_id"]: row for row in _rows(cohort / "outcomes.csv")}
    for row in _rows(cohort / "patients.csv"):
        name, origin = row["patient_id"], date.fromisoformat(row["origin_date"])
        if origin > until:
            continue
        by_day = {
            _day(origin, seen): _visit(study, _day(origin, seen), seen) for seen in reversed(visits.get(name, []))
        }
        ended = max(_day(origin, outcomes[name]), origin + timedelta(days=1))
        yield (
            name,
            Patient(
                origin_date=origin,
                baseline={item.name: _value(item.kind, row[item.name]) for item in study.baseline if row[item.name]},
                visits=tuple(by_day[day] for day in sorted(by_day) if day <= until),
                outcome=Outcome(ended, outcomes[name]["event"]) if ended <= until else None,
            ),
        )


def moved(patient: Patient, by: timedelta) -> Patient:
    """Return the record with every date moved."""
    return replace(
        patient,
        origin_date=patient.origin_date + by,
        visits=tuple(replace(visit, date=visit.date + by) for visit in patient.visits),
        outcome=patient.outcome and replace(patient.outcome, date=patient.outcome.date + by),
    )


def enter(database: Database, records: Iterable[tuple[str, Patient]], study: Study, now: datetime) -> dict[str, UUID]:
    """Record patients with all that is known of them, some in each transaction; returns identifiers by reference."""
    remaining, ids = list(records), {}
    for start in range(0, len(remaining), PATIENTS_AT_ONCE):
        with database.writing() as patients:
            for name, patient in remaining[start : start + PATIENTS_AT_ONCE]:
                ids[name] = patients.add(patient, patient_ref=name, centre=None, study=study.name, now=now)
                for visit in patient.visits:
                    patients.add_visit(ids[name], visit, now=now)
                if patient.outcome is not None:
                    patients.close(ids[name], patient.outcome, now=now)
    return ids


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _day(origin: date, row: dict[str, str]) -> date:
    return origin + timedelta(days=round(float(row["time"]) * DAYS_PER_MONTH))


def _visit(study: Study, day: date, row: dict[str, str]) -> Visit:
    markers = {item.name: float(row[item.name]) for item in study.marker if row[item.name]}
    return Visit(day, markers, {item.name: row[item.name] for item in study.test if row[item.name]})


def _value(kind: str, text: str) -> Value:
    if kind == "number":
        return float(text)
    return text == "1" if kind == "binary" else text


if __name__ == "__main__":
    sys.exit(main())
