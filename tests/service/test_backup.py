"""Backups are made of a database in use, are whole, and come back; what is no backup is refused."""

import shutil
import sqlite3
import stat
import threading

import pytest
from sqlalchemy import text

from service.audit_log.chain import Entry, append
from service.audit_log.verify import verify
from service.backup import main as backup
from service.record import Patient
from service.restore import main as restore
from service.settings import database_url
from service.store.database import Database
from tests.service.conftest import NOW, TODAY

PATIENT = Patient(TODAY, {"size_mm": 12.5})


def url_of(path):
    return f"sqlite:///{path}"


def enter(database, reference):
    with database.writing() as patients:
        patients.add(PATIENT, patient_ref=reference, centre=None, study="rnet", now=NOW)
        append(patients.session, Entry(NOW, "somebody", "patient.create"))


def references(path):
    database = Database(database_url(url_of(path)))
    database.check()
    with database.reading() as patients:
        found = {stored.patient_ref for stored in patients.following(None, most=10_000)}
        assert verify(patients.session).fault is None
    database.close()
    return found


@pytest.fixture
def live(tmp_path):
    """A database with ten patients, open."""
    database = Database(database_url(url_of(tmp_path / "live.sqlite")))
    database.create_tables()
    for number in range(10):
        enter(database, f"P{number}")
    yield database
    database.close()


def test_a_copy_made_while_others_write_is_whole_and_has_all_that_was_there_before(live, tmp_path):
    written, stop = [], threading.Event()

    def write():
        while not stop.is_set():
            enter(live, f"Q{len(written)}")
            written.append(f"Q{len(written)}")

    writer = threading.Thread(target=write)
    writer.start()
    before = set(written)
    assert backup(["--database", url_of(tmp_path / "live.sqlite"), "--out", str(tmp_path / "copy.sqlite")]) == 0
    stop.set()
    writer.join()
    found = references(tmp_path / "copy.sqlite")
    assert {f"P{number}" for number in range(10)} | before <= found <= {f"P{n}" for n in range(10)} | set(written)


def test_a_copy_comes_back_and_is_nobody_else_s_to_read(live, tmp_path, capsys):
    copy, other = tmp_path / "copy.sqlite", tmp_path / "other.sqlite"
    assert backup(["--database", url_of(tmp_path / "live.sqlite"), "--out", str(copy)]) == 0
    enter(live, "after the copy")
    assert restore(["--database", url_of(other), "--from", str(copy)]) == 0
    assert references(other) == {f"P{number}" for number in range(10)}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (copy, other)} == {0o600}
    assert capsys.readouterr().out.splitlines()[-1] == f"{other}: restored; its audit log holds, 11 entries"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("copy")) == ["copy.sqlite"]


def test_that_a_copy_was_put_back_is_the_last_entry_of_its_audit_log(live, tmp_path):
    copy, other = tmp_path / "copy.sqlite", tmp_path / "other.sqlite"
    backup(["--database", url_of(tmp_path / "live.sqlite"), "--out", str(copy)])
    restore(["--database", url_of(other), "--from", str(copy)])
    connection = sqlite3.connect(other)
    last = connection.execute("select sequence, caller, action from audit_entry order by sequence").fetchall()[-1]
    connection.close()
    assert last == (12, "service.restore", "database.restore")


def test_a_database_is_replaced_only_if_asked_and_only_if_nobody_uses_it(live, tmp_path, capsys):
    copy, target = tmp_path / "copy.sqlite", tmp_path / "live.sqlite"
    backup(["--database", url_of(target), "--out", str(copy)])
    enter(live, "after the copy")
    asked = ["--database", url_of(target), "--from", str(copy)]
    assert restore(asked) == 2
    assert "exists already; --replace" in capsys.readouterr().err
    assert restore([*asked, "--replace"]) == 2
    assert "is in use; stop the service first" in capsys.readouterr().err
    assert len(references(target)) == 11
    live.close()
    assert restore([*asked, "--replace"]) == 0
    assert len(references(target)) == 10


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_what_another_database_left_beside_the_place_does_not_get_into_the_copy(live, tmp_path, capsys, suffix):
    copy, target = tmp_path / "copy.sqlite", tmp_path / "lost.sqlite"
    backup(["--database", url_of(tmp_path / "live.sqlite"), "--out", str(copy)])
    enter(live, "after the copy")
    # The database itself was lost, and its log was not: SQLite would play it into whatever takes the place.
    left = tmp_path / f"lost.sqlite{suffix}"
    shutil.copy(tmp_path / "live.sqlite-wal", left)
    asked = ["--database", url_of(target), "--from", str(copy)]
    assert restore(asked) == 2
    assert capsys.readouterr().err == f"{left}: exists already; --replace replaces it\n"
    assert not target.exists()
    assert restore([*asked, "--replace"]) == 0
    assert references(target) == {f"P{number}" for number in range(10)}
    assert not left.exists()


def test_what_is_no_sound_copy_is_refused_in_one_line_and_nothing_is_written(live, tmp_path, capsys):
    good, bad, target = (tmp_path / name for name in ("good.sqlite", "bad.sqlite", "target.sqlite"))
    backup(["--database", url_of(tmp_path / "live.sqlite"), "--out", str(good)])
    capsys.readouterr()
    pages = good.read_bytes()

    def edited(*statements):
        bad.write_bytes(pages)
        connection = sqlite3.connect(bad)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def refused(said):
        assert restore(["--database", url_of(target), "--from", str(bad)]) == 2
        shown = capsys.readouterr().err
        assert said in shown
        assert shown.count("\n") == 1
        assert not target.exists()

    refused("there is no such file")
    bad.write_text("not a database, but longer than a header of one" * 10)
    refused("is not a sound SQLite database")
    bad.write_bytes(pages[: len(pages) // 2])
    refused("is not a sound SQLite database")
    edited("update audit_entry set caller = 'x' where sequence = 4")
    refused("audit log: entry 4: this entry was changed")
    edited("update alembic_version set version_num = '9999'")
    refused("revision 9999")


def test_an_older_copy_is_migrated(live, tmp_path):
    old, target = tmp_path / "old.sqlite", tmp_path / "target.sqlite"
    connection = sqlite3.connect(old)
    with connection:
        connection.executescript(
            "create table patient (patient_id char(32) primary key, patient_ref varchar, centre varchar, tier varchar,"
            " study varchar, origin_date date, baseline json, version integer, recorded_at datetime);"
            "create table visit (visit_id char(32) primary key, patient_id char(32), date date, markers json,"
            " tests json, note varchar, recorded_at datetime, retracted_at datetime);"
            "create table outcome (patient_id char(32) primary key, date date, event varchar, recorded_at datetime);"
            "insert into patient values (hex(randomblob(16)), 'old', '', null, 'rnet', '2024-01-15', '{}', 1,"
            " '2024-02-01 00:00:00.000000')"
        )
    connection.close()
    copy = tmp_path / "copy.sqlite"
    assert backup(["--database", url_of(old), "--out", str(copy)]) == 0
    assert restore(["--database", url_of(target), "--from", str(copy)]) == 0
    assert references(target) == {"old"}


def test_a_database_of_something_else_is_not_copied(tmp_path, capsys):
    (tmp_path / "empty.sqlite").touch()
    assert backup(["--database", url_of(tmp_path / "empty.sqlite"), "--out", str(tmp_path / "copy.sqlite")]) == 2
    assert capsys.readouterr().err == "database: has no tables of this program\n"
    assert not (tmp_path / "copy.sqlite").exists()


def test_a_postgresql_database_has_tools_of_its_own(postgres, tmp_path, capsys):
    url = postgres.url.render_as_string(hide_password=False)
    assert backup(["--database", url, "--out", str(tmp_path / "x")]) == 2
    assert "pg_dump" in capsys.readouterr().err
    assert restore(["--database", url, "--from", str(tmp_path / "x")]) == 2
    assert "pg_restore" in capsys.readouterr().err


def test_the_tables_of_a_copy_are_those_of_the_database(live, tmp_path):
    backup(["--database", url_of(tmp_path / "live.sqlite"), "--out", str(tmp_path / "copy.sqlite")])
    copied = Database(database_url(url_of(tmp_path / "copy.sqlite")))
    schema = text("select type, name, sql from sqlite_master order by name")
    with live.engine.connect() as one, copied.engine.connect() as other:
        assert one.execute(schema).all() == other.execute(schema).all()
    copied.close()
