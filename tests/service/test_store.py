"""What both databases promise alike."""

from datetime import date, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError

from service.errors import DuplicateError, NotFoundError
from service.record import Outcome, Patient, Visit
from service.settings import database_url
from service.store.database import Database
from service.store.tables import Base
from tests.service.conftest import NOW

PATIENT = Patient(date(2024, 2, 29), {"size_mm": 0.1 + 0.2, "sex": "male", "margin": "R0", "ppi_use": True}, "primary")
VISIT = Visit(date(2024, 8, 1), {"cga": 1 / 3}, {"ct": "negative"}, "O'Neil; drop table visit --")


@pytest.fixture
def database(url):
    """An empty database of each kind."""
    database = Database(url)
    Base.metadata.drop_all(database.engine)
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
        patients.changing(patient_id)
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
            patients.changing(patient_id)
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
