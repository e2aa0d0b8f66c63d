"""Row F26 of the failure catalogue, as to revisions: made when new, moved with every record, refused when unknown."""

import json
import threading
import zlib
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

import service.app  # noqa: F401 (every module with tables)
from service.audit_log.chain import Entry, append
from service.audit_log.verify import verify
from service.migrate import main as migrate
from service.recommendations import store
from service.record import Outcome, Patient, Visit
from service.store import revision
from service.store.database import Database
from service.store.revision import RevisionError
from service.store.types import Base
from tests.service.databases import KINDS, new_database

FIRST = datetime(2024, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
LATER = FIRST + timedelta(hours=1)
IDS = [f"{number:032x}" for number in (0xABC, 0x1, 0x2, 0xDEF)]


@pytest.fixture(params=KINDS)
def url(request, tmp_path):
    return new_database(request.param, request, tmp_path)


@pytest.fixture
def database(url):
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def text_url(url):
    return url.render_as_string(hide_password=False)


def fill_first_tables(database, *, stamped):
    """The tables of the first revision, with two patients, two visits, of which one was retracted, and an outcome."""
    with database.engine.execution_options(writes=True).begin() as connection:
        command.upgrade(revision._config(connection), revision.FIRST)
        if not stamped:
            connection.execute(text("drop table alembic_version"))
        for number, name in ((0, "A"), (3, "B")):
            connection.execute(
                text(
                    "insert into patient (patient_id, patient_ref, centre, tier, study, origin_date, baseline, version,"
                    " recorded_at) values (:id, :ref, '', 'primary', 'rnet', '2024-02-29', :baseline, 4, :now)"
                ),
                {"id": IDS[number], "ref": name, "baseline": json.dumps({"size_mm": 0.1 + 0.2}), "now": stored(FIRST)},
            )
        for number, day, retracted in ((1, "2024-08-01", None), (2, "2024-08-02", stored(LATER))):
            connection.execute(
                text(
                    "insert into visit (visit_id, patient_id, date, markers, tests, note, recorded_at, retracted_at)"
                    " values (:id, :patient, :day, '{}', :tests, 'scar', :now, :retracted)"
                ),
                {
                    "id": IDS[number],
                    "patient": IDS[0],
                    "day": day,
                    "tests": json.dumps({"ct": "negative"}),
                    "now": stored(FIRST),
                    "retracted": retracted,
                },
            )
        connection.execute(
            text("insert into outcome (patient_id, date, event, recorded_at) values (:id, '2024-09-01', 'none', :now)"),
            {"id": IDS[0], "now": stored(FIRST)},
        )


def stored(moment):
    """As SQLAlchemy writes a moment into SQLite; PostgreSQL's sessions here are in UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def test_the_revisions_make_exactly_the_tables_that_the_program_declares(database):
    database.create_tables()
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        found = inspect(connection)
        for table in Base.metadata.tables.values():
            assert {index["name"] for index in found.get_indexes(table.name) if index["unique"]} >= {
                index.name for index in table.indexes if index.unique
            }


@pytest.mark.parametrize("stamped", [True, False])
def test_records_of_the_first_tables_are_all_there_after_the_migration(database, text_url, capsys, stamped):
    fill_first_tables(database, stamped=stamped)
    with pytest.raises(RevisionError, match=r"python -m service.migrate --database"):
        database.create_tables()
    assert migrate(["--database", text_url]) == 0
    assert capsys.readouterr().out == f"revision {revision.newest()}, from 0001\n"
    database.create_tables()
    with database.reading() as patients:
        first, second = patients.page(skip=0, most=9)[0]
        before = patients.get(first.patient_id, LATER - timedelta(microseconds=1))
    assert first.patient == Patient(
        date(2024, 2, 29),
        {"size_mm": 0.1 + 0.2},
        "primary",
        (Visit(date(2024, 8, 1), {}, {"ct": "negative"}, "scar"),),
        Outcome(date(2024, 9, 1), "none"),
    )
    assert (first.patient_id.int, first.version, first.recorded_at) == (0xABC, 4, FIRST)
    assert (second.patient_id.int, second.patient.visits, second.patient.outcome) == (0xDEF, (), None)
    # The retracted visit is known as of the time before it was retracted.
    assert [visit.date.day for visit in before.patient.visits] == [1, 2]
    with database.writing() as patients:
        _, moment = patients.changing(first.patient_id, FIRST)
    assert moment == LATER + timedelta(microseconds=1)


def row(names, *values):
    return dict(zip(names.split(), values, strict=True))


A, B = IDS[:2]
SOON, PACKED = stored(FIRST), zlib.compress(b"{}")
# For each revision, by table, a row as it writes them.
ROWS = {
    "0002": {
        "recommendation": row(
            "recommendation_id patient_id made_at caller model_version", B, A, SOON, "key:x", "rnet-1"
        )
        | row("model_sha256 policy policy_text policy_sha256 inputs", "s", "p", "{}", "s", "{}")
        | row("output output_sha256", PACKED, "s"),
        "decision": row("recommendation_id number decided_at caller decision", B, 1, SOON, "key:x", "accepted"),
        "idempotency_key": row("caller key patient_id created_at fingerprint status", "key:x", "k", A, SOON, "f", 201)
        | row("headers body", "{}", PACKED),
    },
    "0003": {
        "api_key": row("key_id digest name roles centres", "0123456789abcdef", "d", "n", '["admin"]', None)
        | row("created_at expires_at revoked_at", SOON, SOON, None),
    },
    "0004": {
        "model_change": row("sequence moment action version sha256 share", 1, SOON, "start", "rnet-1", "s", None)
        | row("caller reason", "service", "the first start"),
        "shadow": row("sequence compared refused dropped", 1, 3, 2, 1),
        "shadow_difference": row("sequence event horizon_months n total greatest", 1, "local", 12, 3, 0.5, 0.25),
    },
}


@pytest.mark.parametrize("last", ROWS)
def test_rows_of_every_revision_are_all_there_after_the_migration(database, last):
    """Step by step to a revision, with rows in each table and entries in the audit log; then at once to the newest."""
    fill_first_tables(database, stamped=True)
    filled = [number for number in ROWS if number <= last]
    for number in filled:
        with database.engine.execution_options(writes=True).begin() as connection:
            command.upgrade(revision._config(connection), number)
            for table, values in ROWS[number].items():
                places = ", ".join(f":{name}" for name in values)
                connection.execute(text(f"insert into {table} ({', '.join(values)}) values ({places})"), values)
            append(connection, Entry(FIRST, "somebody", number))

    def rows():
        with database.engine.connect() as connection:
            return {
                table: [each[: len(ROWS[number][table])] for each in connection.execute(text(f"select * from {table}"))]
                for number in filled
                for table in ROWS[number]
            }

    before = rows()
    assert {len(found) for found in before.values()} == {1}
    assert database.upgrade() == (last, revision.newest())
    assert rows() == before
    with database.reading() as patients:
        assert verify(patients.session).fault is None
        shown = store.recommendation_of(store.find(patients.session, UUID(B)))
    assert (shown.output, shown.rules) == ("{}", None)
    with database.writing() as patients:
        patients.remove(UUID(A))
    assert {table for table, found in rows().items() if not found} == set(ROWS["0002"])


def test_migrating_again_changes_nothing(database, text_url, capsys):
    database.create_tables()
    assert migrate(["--database", text_url]) == 0
    assert capsys.readouterr().out == f"revision {revision.newest()}: nothing to do\n"


def test_f26_an_unknown_revision_is_refused_with_what_to_do(database, text_url, capsys):
    database.create_tables()
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    for refused in (database.create_tables, database.check):
        with pytest.raises(RevisionError, match=r"revision 9999, which this program .* python -m service.restore"):
            refused()
    assert migrate(["--database", text_url]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "9999" in said
    assert database.engine.url.password is None or database.engine.url.password not in said


def test_a_migration_that_fails_leaves_the_old_tables(database, monkeypatch):
    fill_first_tables(database, stamped=False)
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("create table audit_head (x integer)"))  # in the way of the last step
    with pytest.raises(Exception, match="audit_head"):
        database.upgrade()
    with database.engine.connect() as connection:
        assert revision.revision_of(connection) == "0001"
        assert connection.scalar(text("select count(*) from visit")) == 2


def test_of_many_who_start_on_an_empty_database_one_makes_the_tables(url):
    faults = []

    def start():
        database = Database(url)
        try:
            database.create_tables()
        except Exception as error:  # noqa: BLE001
            faults.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_command_names_what_is_no_good_in_one_line(tmp_path, capsys):
    for url, said in (
        (f"sqlite:///{tmp_path / 'nowhere'}", "there is no such SQLite file"),
        ("mysql://x", "must start with sqlite:// or postgresql+psycopg://"),
        ("postgresql+psycopg://u@h/d?password=hidden", "a password belongs before the host"),
        ("postgresql+psycopg://u@h/d?sslpassword=hidden", "a password belongs before the host"),
        ("postgresql+psycopg://u@127.0.0.1:1/d?passfile=mine", "cannot be used (OperationalError)"),
        ("postgresql+psycopg://user:hidden@127.0.0.1:1/name", "cannot be used (OperationalError)"),
    ):
        assert migrate(["--database", url]) == 2
        shown = capsys.readouterr().err
        assert said in shown
        assert shown.count("\n") == 1
        assert "hidden" not in shown
