"""What both databases promise alike."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from uuid import uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.errors import DuplicateError, NotFoundError
from service.record import Outcome, Patient, Visit
from service.settings import database_url
from service.store.database import Database
from service.store.types import Base
from tests.service.conftest import NOW

PATIENT = Patient(date(2024, 2, 29), {"size_mm": 0.1 + 0.2, "sex": "male", "margin": "R0", "ppi_use": True}, "primary")
VISIT = Visit(date(2024, 8, 1), {"cga": 1 / 3}, {"ct": "negative"}, "O'Neil; drop table visit --")


@pytest.fixture
def database(url):
    """An empty database of each kind."""
    database = Database(url)
    Base.metadata.drop_all(database.engine)
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("drop table if exists alembic_version"))
    database.create_tables()
    yield database
    database.close()


@pytest.fixture
def patient_id(database):
    return add(database, "A-1")


def add(database, reference, centre=None):
    with database.writing() as patients:
        return patients.add(PATIENT, patient_ref=reference, centre=centre, study="rnet", now=NOW)


def read(database, patient_id):
    with database.reading() as patients:
        return patients.get(patient_id)


def test_what_is_written_is_read_to_the_last_digit_by_another_process(database, patient_id, url):
    with database.writing() as patients:
        patients.changing(patient_id, NOW)
        visit_id = patients.add_visit(patient_id, VISIT, now=NOW)
        patients.close(patient_id, Outcome(date(2024, 9, 1), "none"), now=NOW)
    another = Database(url)
    stored = read(another, patient_id)
    another.close()
    assert stored.patient.baseline == PATIENT.baseline
    assert stored.patient.visits == (VISIT,)
    assert stored.patient.outcome == Outcome(date(2024, 9, 1), "none")
    assert stored.visits[0].visit_id == visit_id
    assert (stored.version, stored.centre, stored.patient.tier) == (2, None, "primary")


def test_moments_come_back_in_utc(database):
    local = NOW.astimezone(timezone(timedelta(hours=9)))
    with database.writing() as patients:
        patient_id = patients.add(PATIENT, patient_ref="A-1", centre=None, study="rnet", now=local)
    recorded = read(database, patient_id).recorded_at
    assert recorded == NOW
    assert recorded.utcoffset() == timedelta(0)
    with pytest.raises(StatementError), database.writing() as patients:
        patients.add(PATIENT, patient_ref="B", centre=None, study="rnet", now=datetime(2024, 1, 1))  # noqa: DTZ001


def test_an_error_leaves_nothing_behind(database, patient_id):
    def fail_half_way():
        with database.writing() as patients:
            patients.changing(patient_id, NOW)
            patients.add_visit(patient_id, VISIT, now=NOW)
            patients.session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert read(database, patient_id).visits == ()
    assert read(database, patient_id).version == 1


def test_the_database_itself_refuses_a_second_visit_of_a_day_and_a_visit_of_nobody(database, patient_id):
    with database.writing() as patients:
        first = patients.add_visit(patient_id, VISIT, now=NOW)
    for owner in (patient_id, uuid4()):
        with pytest.raises(IntegrityError), database.writing() as patients:
            patients.add_visit(owner, VISIT, now=NOW)
    with database.writing() as patients:
        patients.retract_visit(patient_id, first, now=NOW)
        patients.add_visit(patient_id, VISIT, now=NOW)


def test_a_visit_can_be_retracted_only_through_its_own_patient(database, patient_id):
    with database.writing() as patients:
        visit_id = patients.add_visit(patient_id, VISIT, now=NOW)
    other = add(database, "B")
    for owner, visit in ((other, visit_id), (patient_id, uuid4())):
        with pytest.raises(NotFoundError), database.writing() as patients:
            patients.retract_visit(owner, visit, now=NOW)


def test_a_reference_is_unique_within_a_centre_given_or_not(database):
    for centre in (None, "ward"):
        add(database, "A-1", centre)
        with pytest.raises(DuplicateError):
            add(database, "A-1", centre)


def test_pages_of_patients_follow_their_references(database):
    for reference in ("b", "c", "a"):
        add(database, reference)
    with database.reading() as patients:
        pages = [patients.page(skip=skip, most=2) for skip in (0, 2, 4)]
    assert [[stored.patient_ref for stored in page] for page, _ in pages] == [["a", "b"], ["c"], []]
    assert {total for _, total in pages} == {3}


def test_sqlite_writes_ahead_syncs_fully_and_checks_references(tmp_path):
    database = Database(database_url(f"sqlite:///{tmp_path / 'x.sqlite'}"))
    with database.engine.connect() as connection:
        found = [connection.scalar(text(f"pragma {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]
    database.close()
    assert found == ["wal", 2, 1]


def test_sqlite_writers_wait_in_line_for_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr("service.store.database.BUSY_SECONDS", 0.2)
    database = Database(database_url(f"sqlite:///{tmp_path}/line.sqlite"))
    database.create_tables()
    done = []

    def write():
        with database.writing():
            done.append("waited")

    with database.writing():
        waiting = threading.Thread(target=write)
        waiting.start()
        time.sleep(0.05)
        assert not done
    waiting.join(timeout=5)
    assert done == ["waited"]
    with (
        database.writing(),
        ThreadPoolExecutor(1) as other,
        pytest.raises(PoolTimeoutError, match="write all the time"),
    ):
        other.submit(write).result()
    write()  # Whoever gave up holds nobody up.
    database.close()


def test_what_is_erased_is_no_longer_on_the_disk(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("service.store.database.BUSY_SECONDS", 60)
    file = tmp_path / "x.sqlite"
    database = Database(database_url(f"sqlite:///{file}"))
    database.create_tables()
    patient_id = add(database, "Jane Doe")
    with database.writing() as patients:
        patients.add_visit(patient_id, VISIT, now=NOW)

    def on_disk():
        return b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))

    written = on_disk()
    with database.writing() as patients:
        patients.remove(patient_id)
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from patient").fetchall()
    began = time.monotonic()
    with caplog.at_level("WARNING", "service"):
        database.overwrite_erased(more=True)
    assert "until nobody reads any more" in caplog.text
    assert time.monotonic() - began < 30  # Whoever reads holds nobody up, for a minute at most as it is here.
    reader.close()
    database.overwrite_erased()  # It is still owed.
    left = on_disk()  # while the database is in use
    database.close()
    for text_of_hers in (b"Jane Doe", b"O'Neil"):
        assert text_of_hers in written
        assert text_of_hers not in left


def test_two_changes_never_share_a_moment_even_if_the_clock_is_set_back(database, patient_id):
    moments = []
    for now in (NOW, NOW, NOW - timedelta(hours=1), NOW + timedelta(hours=1)):
        with database.writing() as patients:
            moments.append(patients.changing(patient_id, now)[1])
    microsecond = timedelta(microseconds=1)
    assert moments == [NOW + microsecond, NOW + 2 * microsecond, NOW + 3 * microsecond, NOW + timedelta(hours=1)]


def test_every_state_that_a_record_ever_had_can_be_read_again(database, patient_id):
    """Ten changes; after each, all states so far are read as known at their moments, and are what they were."""
    states = []

    def change(step):
        with database.writing() as patients:
            stored, moment = patients.changing(patient_id, NOW)
            step(patients, stored, moment)
        states.append((moment, read(database, patient_id)))

    def visit(day):
        return lambda patients, _, now: patients.add_visit(patient_id, replace(VISIT, date=day), now=now)

    def corrected(patients, stored, now):
        old = stored.visits[0]
        patients.retract_visit(patient_id, old.visit_id, now=now)
        patients.add_visit(patient_id, replace(old.visit, note=f"mended {now}"), now=now, visit_id=old.visit_id)

    change(visit(date(2024, 8, 1)))
    change(visit(date(2024, 6, 1)))
    change(corrected)
    change(lambda patients, _, now: patients.correct(patient_id, replace(PATIENT, tier=None), now=now))
    change(lambda patients, _, now: patients.close(patient_id, Outcome(date(2024, 9, 1), "none"), now=now))
    change(lambda patients, _, now: patients.reopen(patient_id, now=now))
    change(lambda patients, _, now: patients.close(patient_id, Outcome(date(2024, 9, 2), "nodal"), now=now))
    change(corrected)
    change(lambda patients, stored, now: patients.retract_visit(patient_id, stored.visits[1].visit_id, now=now))
    change(lambda patients, _, now: patients.correct(patient_id, PATIENT, now=now))
    assert [stored.version for _, stored in states] == list(range(2, 12))
    assert all(before.patient != after.patient for (_, before), (_, after) in pairwise(states))
    with database.reading() as patients:
        for moment, stored in states:
            assert patients.get(patient_id, moment) == stored
        assert patients.get(patient_id, NOW).patient == PATIENT
        with pytest.raises(NotFoundError):
            patients.get(patient_id, NOW - timedelta(microseconds=1))


def test_the_present_is_read_with_two_queries_and_through_indexes(database, patient_id):
    with database.writing() as patients:
        patients.add_visit(patient_id, VISIT, now=NOW)
    asked = []

    def note(_connection, _cursor, query, values, *_):
        if query.startswith("SELECT"):
            asked.append((query, values))

    event.listen(database.engine, "before_cursor_execute", note)
    read(database, patient_id)
    assert len(asked) == 2
    if database.engine.dialect.name == "sqlite":
        with database.engine.connect() as connection:
            for query, values in asked:
                plan = [row[3] for row in connection.exec_driver_sql(f"explain query plan {query}", values)]
                assert plan
                assert all(step.startswith("SEARCH") and "INDEX" in step for step in plan), plan
