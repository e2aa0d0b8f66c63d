"""A process of its own that adds to a patient's size, one version after another: `python -m tests.service.adder`."""

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from service.api.asking import require_version
from service.audit_log.chain import Entry, append
from service.errors import StaleVersionError
from service.settings import database_url
from service.store.database import Database


def main() -> None:
    """Add one so many times; whoever is too late reads again."""
    database, patient_id, times = Database(database_url(os.environ["URL"])), UUID(sys.argv[1]), int(sys.argv[2])
    added = 0
    while added < times:
        with database.reading() as patients:
            read = patients.get(patient_id)
        size = read.patient.baseline["size_mm"] + 1
        try:
            with database.writing() as patients:
                stored, now = patients.changing(patient_id, datetime.now(tz=UTC))
                require_version(f'"{read.version}"', stored.version)
                patients.correct(patient_id, replace(stored.patient, baseline={"size_mm": size}), now=now)
                append(patients.session, Entry(now, "adder", "patient.correct", patient_id))
                added += 1
        except StaleVersionError:
            continue
    database.close()


if __name__ == "__main__":
    main()
