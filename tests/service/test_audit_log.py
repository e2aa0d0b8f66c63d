"""Row F32 of the failure catalogue, and what the log holds: everything that was done, nothing about anybody."""

import json
import threading
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from service.audit import main as audit
from service.audit_log.chain import GENESIS, Entry, append, digest
from service.audit_log.reads import MOST_WAITING, Reads
from service.audit_log.verify import Checkpoint, head_of, verify
from service.errors import AuditLogError
from service.store.database import Database
from tests.service.checks import ANY_VERSION
from tests.service.conftest import NOW, PATIENT, VISIT, key_for
from tests.service.databases import KINDS, new_database

SOMEBODY = UUID(int=7)


@pytest.fixture(scope="module", params=KINDS)
def chain_url(request, tmp_path_factory):
    return new_database(request.param, request, tmp_path_factory.mktemp("audit"))


@pytest.fixture
def database(chain_url):
    """A database whose log holds ten entries of ours."""
    database = Database(chain_url)
    database.create_tables()
    change(database, "delete from audit_entry", "delete from audit_head")
    change(database, f"insert into audit_head values (1, 0, '{GENESIS}')")
    with database.writing() as patients:
        append(patients.session, *(entry(number) for number in range(1, 11)))
    yield database
    database.close()


def entry(number):
    moment = NOW + timedelta(seconds=number)
    return Entry(moment, "somebody", "visit.create", SOMEBODY, f"r-{number}", {"visit_id": "v", "n": number})


def verdict(database, *checkpoints):
    with database.reading() as patients:
        return verify(patients.session, checkpoints)


def head(database):
    with database.reading() as patients:
        return head_of(patients.session)


def change(database, *statements):
    with database.engine.execution_options(writes=True).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_the_hash_of_an_entry_is_the_sha_256_of_its_canonical_json():
    # printf '%s' '{"a":1,"moment":"2026-01-10 12:30:00+00:00","who":null}' | sha256sum
    row = {"who": None, "moment": NOW, "a": 1}
    assert digest(row) == "5e4b3557ed637f824cbe300c28a68c780a5a698dcf72ee7e10db8a557d149d51"


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_entry_says_that_the_tables_were_made(kind, request, tmp_path):
    database = Database(new_database(kind, request, tmp_path))
    database.create_tables()
    with database.engine.connect() as connection:
        first = connection.execute(text("select sequence, action, caller, previous from audit_entry")).one()
    database.close()
    assert tuple(first) == (1, "database.migrate", "service.migrate", GENESIS)


def test_a_chain_that_nobody_touched_holds_and_its_head_is_the_last_entry(database):
    found = verdict(database, head(database), Checkpoint(10, head(database).hash))
    assert (found.fault, found.bad_sequence, found.head) == (None, None, head(database))
    assert found.head.sequence == 10


@pytest.mark.parametrize(
    "edit",
    [
        "caller = 'else'",
        "action = 'visit.creatE'",
        "patient_id = null",
        "request_id = null",
        'details = \'{"visit_id": "v", "n": 6}\'',
        "moment = (select moment from audit_entry where sequence = 4)",
        "hash = (select hash from audit_entry where sequence = 4)",
        "previous = (select previous from audit_entry where sequence = 4)",
    ],
)
def test_f32_an_entry_that_was_edited_is_named(database, edit):
    change(database, f"update audit_entry set {edit} where sequence = 5")
    assert verdict(database).bad_sequence == 5
    assert verdict(database).head.sequence == 4


def test_f32_an_entry_that_was_deleted_or_moved_is_named(database):
    before = head(database)
    change(database, "delete from audit_entry where sequence = 5")
    assert (verdict(database).bad_sequence, verdict(database).fault) == (5, "this entry is gone")
    change(database, "update audit_entry set sequence = sequence - 1 where sequence > 5")
    assert verdict(database).bad_sequence == 5
    assert head(database) == before


def test_f32_a_tail_that_was_cut_shows_by_the_head_and_by_checkpoints(database):
    known = head(database)
    change(database, "delete from audit_entry where sequence > 7")
    assert (verdict(database).bad_sequence, verdict(database).head.sequence) == (8, 7)
    # Whoever moves the head as well is found out by a checkpoint that lies elsewhere.
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(
            text("update audit_head set sequence = 7, hash = (select hash from audit_entry where sequence = 7)")
        )
    assert verdict(database).fault is None
    assert verdict(database, known).bad_sequence == 8


def test_f32_a_chain_that_was_made_anew_is_not_the_one_that_a_checkpoint_saw(database):
    known = head(database)
    change(database, "delete from audit_entry", f"update audit_head set sequence = 0, hash = '{GENESIS}'")
    assert verdict(database).bad_sequence == 1
    with database.writing() as patients:
        append(patients.session, *(entry(number) for number in range(21, 33)))
    assert verdict(database).fault is None
    assert verdict(database, known).bad_sequence == 10


def test_f32_a_log_that_is_gone_or_goes_past_its_head_does_not_hold(database):
    change(database, "delete from audit_head")
    assert verdict(database).bad_sequence == 11
    change(database, "insert into audit_head values (1, 9, (select hash from audit_entry where sequence = 9))")
    assert verdict(database).bad_sequence == 10
    change(database, "delete from audit_entry", "delete from audit_head")
    assert (verdict(database).bad_sequence, verdict(database).head.sequence) == (1, 0)


def test_f32_the_command_exits_with_1_and_names_the_first_bad_entry(database, chain_url, tmp_path, capsys):
    options, kept = ["--database", chain_url.render_as_string(hide_password=False)], tmp_path / "checkpoints.txt"
    assert audit(["checkpoint", *options]) == 0
    kept.write_text(capsys.readouterr().out)
    assert audit(["verify", *options, "--checkpoints", str(kept)]) == 0
    assert capsys.readouterr().out == "10 entries, 1 checkpoints: the chain holds\n"
    change(database, "update audit_entry set caller = 'x' where sequence = 3")
    for what in ("verify", "checkpoint"):
        assert audit([what, *options]) == 1
        said = capsys.readouterr()
        assert (said.out, said.err) == ("", "audit log: entry 3: this entry was changed\n")
    kept.write_text("10 abc\n")
    assert audit(["verify", *options, "--checkpoints", str(kept)]) == 2
    assert capsys.readouterr().err == f"{kept}:1: must be a number and a hash\n"


def test_many_who_append_at_once_make_one_chain(database, chain_url):
    def add(name):
        another = Database(chain_url)
        for number in range(10):
            with another.writing() as patients:
                append(patients.session, Entry(NOW, name, "x", None, str(number)), Entry(NOW, name, "y"))
        another.close()

    threads = [threading.Thread(target=add, args=(f"w{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verdict(database)
    assert (found.fault, found.head.sequence) == (None, 10 + 6 * 10 * 2)


def test_an_entry_is_written_with_the_change_or_not_at_all(database):
    def fail_half_way():
        with database.writing() as patients:
            append(patients.session, entry(11))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert verdict(database).head.sequence == 10
    assert verdict(database).fault is None


def test_reads_are_appended_together_and_the_rest_when_the_service_stops(database):
    reads = Reads(database)
    reads.start()
    for number in range(2500):
        reads.note(Entry(NOW, "reader", "patient.read", SOMEBODY, str(number)))
    reads.close()
    assert verdict(database).head.sequence == 10 + 2500
    assert verdict(database).fault is None


def test_reads_are_refused_rather_than_not_written_down(database):
    reads = Reads(database)
    for _ in range(MOST_WAITING):
        reads.note(entry(1))
    with pytest.raises(AuditLogError):
        reads.note(entry(1))
    reads.flush()
    reads.note(entry(1))


def test_f32_without_its_head_nothing_is_changed_and_reads_wait_until_it_is_back(database):
    known, reads = head(database), Reads(database)
    reads.start()
    change(database, "delete from audit_head")
    with pytest.raises(AuditLogError), database.writing() as patients:
        append(patients.session, entry(11))
    reads.note(entry(11))
    with pytest.raises(AuditLogError):
        reads.flush()
    change(database, f"insert into audit_head values (1, {known.sequence}, '{known.hash}')")
    reads.close()
    assert (verdict(database).fault, verdict(database).head.sequence) == (None, 11)


def entries(client, **parameters):
    answer = client.get("/v1/audit", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_log_says_who_did_what_by_which_request_and_holds_no_values(client, app):
    start = client.get("/v1/audit/verify").json()["head_sequence"]
    secret = {**PATIENT, "patient_ref": "Jane Doe"}
    patient = client.post("/v1/patients", json=secret, headers={"x-request-id": "one"}).headers["location"]
    visit = client.post(f"{patient}/visits", json={**VISIT, "note": "Jane"}).json()["visit_id"]
    client.patch(f"{patient}/visits/{visit}", json={"markers": {"cga": 81.25}}, headers=ANY_VERSION)
    client.patch(patient, json={"baseline": {"size_mm": 13.5}}, headers=ANY_VERSION)
    client.delete(f"{patient}/visits/{visit}", headers=ANY_VERSION)
    client.post(f"{patient}/outcome", json={"date": "2025-01-01", "event": "nodal"}, headers=ANY_VERSION)
    client.patch(f"{patient}/outcome", json={"event": "none"}, headers=ANY_VERSION)
    client.delete(f"{patient}/outcome", headers=ANY_VERSION)
    client.get(patient)
    client.get(f"{patient}/risk", headers={"x-request-id": "two"})
    assert client.get("/v1/audit/verify").json()["holds"] is True
    client.delete(patient, headers=ANY_VERSION)
    found = entries(client, cursor=str(start))["entries"]
    writes = ["patient.create", "visit.create", "visit.correct", "patient.correct", "visit.retract"]
    writes += ["outcome.create", "outcome.correct", "outcome.retract", "patient.read", "risk.read", "patient.erase"]
    assert [item["action"] for item in found] == writes
    identifier = patient.rpartition("/")[2]
    assert {item["patient_id"] for item in found} == {identifier}
    assert (found[0]["request_id"], found[9]["request_id"]) == ("one", "two")
    assert found[1]["details"]["visit_id"] == visit
    text = json.dumps(found)
    assert not any(value in text for value in ("Jane", "81.25", "13.5", "2025-01-01", "nodal"))


def test_a_refused_write_leaves_no_entry(client, patient):
    start = client.get("/v1/audit/verify").json()["head_sequence"]
    client.post(f"{patient}/visits", json={**VISIT, "date": "2024-01-01"})
    client.patch(patient, json={"tier": "tertiary"}, headers={"if-match": '"9"'})
    assert client.get("/v1/audit/verify").json()["head_sequence"] == start


def test_f25_the_log_comes_in_pieces(client, patient):
    for _ in range(3):
        client.get(patient)
    head = client.get("/v1/audit/verify").json()["head_sequence"]
    first = entries(client, cursor=str(head - 3), limit="2")
    assert [item["sequence"] for item in first["entries"]] == [head - 2, head - 1]
    last = entries(client, cursor=first["next_cursor"], limit="2")
    assert ([item["sequence"] for item in last["entries"]], last["next_cursor"]) == ([head], None)
    assert client.get("/v1/audit", params={"cursor": "1_0"}).status_code == 400
    assert client.get("/v1/audit", params={"limit": "101"}).status_code == 422


def test_f21_an_auditor_sees_that_the_glass_was_broken_and_not_for_whom(client, server, app):
    patient = client.post("/v1/patients", json={**PATIENT, "centre": "one"}).headers["location"]
    reason = {"x-break-glass": "Jane Doe is in our emergency room"}
    with httpx.Client(base_url=server, headers=key_for(app, "clinician", centres=["two"])) as doctor:
        assert doctor.get(patient).status_code == 404
        assert doctor.get(patient, headers=reason).status_code == 200
    head = client.get("/v1/audit/verify").json()["head_sequence"]
    (full,) = entries(client, cursor=str(head - 1))["entries"]
    assert (full["patient_id"], full["details"]) == (
        patient.rpartition("/")[2],
        {"break_glass": reason["x-break-glass"]},
    )
    with httpx.Client(base_url=server, headers=key_for(app, "auditor")) as auditor:
        (seen,) = entries(auditor, cursor=str(head - 1))["entries"]
    assert seen == {**full, "patient_id": None, "details": {"break_glass": True}}
