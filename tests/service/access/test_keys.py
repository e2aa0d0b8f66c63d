"""API keys: shown once, kept as a hash, rotated, revoked, over."""

import hashlib
import stat
import threading
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from service.access.access import Access
from service.access.admin_key import make_admin_key
from service.access.binding import SettingsError
from service.access.keys import Secret
from service.admin_key import main as command
from service.store.database import Database
from tests.service.checks import paths, problem
from tests.service.conftest import NOW
from tests.service.databases import KINDS, new_database

CLINICIAN = {"name": "ward 3", "roles": ["clinician"], "centres": ["north"], "expires_in_days": 30}


@pytest.fixture
def at(app):
    """Set the clock of the service's access, for one test."""
    access = app.state.service.access
    clock = {"now": NOW}
    object.__setattr__(access, "clock", lambda: clock["now"])
    yield lambda later: clock.update(now=NOW + later)
    object.__setattr__(access, "clock", lambda: NOW)


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def make(admin, **changes):
    answer = admin.post("/v1/api-keys", json=CLINICIAN | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_an_admin_s_key_cannot_be_said_to_reach_some_centres_only(admin):
    """It could make itself one for the others."""
    for roles in (["admin"], ["clinician", "admin"]):
        body = CLINICIAN | {"roles": roles}
        assert paths(admin.post("/v1/api-keys", json=body)) == ["centres"]
        make(admin, roles=roles, centres=None)


def status(admin, key):
    return httpx.get(f"{admin.base_url}/v1/model", headers=bearer(key)).status_code


def test_a_key_opens_what_its_roles_open_and_is_shown_once(admin):
    made = make(admin)
    key, about = made["api_key"], made["about"]
    assert status(admin, key) == 200
    assert about["roles"] == ["clinician"]
    assert about["centres"] == ["north"]
    assert about["expires_at"] == "2026-02-09T12:30:00Z"
    listed = admin.get("/v1/api-keys")
    assert about in listed.json()["keys"]
    assert Secret.parse(key).secret not in listed.text


def test_of_the_secret_only_its_hash_is_kept(admin, app):
    key = make(admin)["api_key"]
    secret = key.split("_", 2)[2]
    with app.state.service.database.engine.connect() as connection:
        kept = [str(row) for row in connection.execute(text("select * from api_key"))]
    assert not any(secret in row for row in kept)
    assert sum(hashlib.sha256(secret.encode()).hexdigest() in row for row in kept) == 1


def test_two_keys_share_nothing_and_hold_256_random_bits():
    first, second = Secret.new(), Secret.new()
    assert first.key_id != second.key_id
    assert first.secret != second.secret
    assert len(first.secret) * 6 >= 256
    assert Secret.parse(first.text) == first
    assert first.matches(first.digest)
    assert not first.matches(second.digest)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer rr_", "Token {}", "{}"])
def test_f19_what_is_no_key_is_refused_by_rfc_6750(admin, header):
    key = make(admin)["api_key"]
    answer = httpx.get(f"{admin.base_url}/v1/model", headers={"authorization": header.format(key)})
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == 'Bearer realm="recurrence-risk", error="invalid_token"'


def test_f19_a_secret_with_one_letter_changed_or_another_key_s_is_refused(admin):
    first, second = (make(admin)["api_key"] for _ in range(2))
    letter = "A" if first[-1] != "A" else "B"
    mixed = Secret(Secret.parse(first).key_id, Secret.parse(second).secret).text
    for wrong in (first[:-1] + letter, mixed, Secret.new().text, first + "A", first.upper()):
        assert status(admin, wrong) == 401
    assert status(admin, first) == 200


def test_without_credentials_no_error_is_named(admin):
    answer = httpx.get(f"{admin.base_url}/v1/model")
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == 'Bearer realm="recurrence-risk"'


def test_two_authorization_headers_are_refused(admin):
    key = make(admin)["api_key"]
    headers = [("authorization", f"Bearer {key}")] * 2
    assert httpx.get(f"{admin.base_url}/v1/model", headers=headers).status_code == 401


def test_f19_a_key_is_over_at_its_moment_and_not_before(admin, at):
    key = make(admin)["api_key"]
    at(timedelta(days=30, seconds=-1))
    assert status(admin, key) == 200
    at(timedelta(days=30))
    assert status(admin, key) == 401


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(admin):
    made = make(admin)
    address = f"/v1/api-keys/{made['about']['key_id']}"
    assert admin.delete(address).status_code == 204
    assert status(admin, made["api_key"]) == 401
    problem(admin.delete(address), 404)
    problem(admin.post(f"{address}/rotate", json={}), 404)
    listed = {key["key_id"]: key for key in admin.get("/v1/api-keys").json()["keys"]}
    assert listed[made["about"]["key_id"]]["revoked_at"] == "2026-01-10T12:30:00Z"


def test_rotation_lets_both_keys_work_for_the_overlap(admin, at):
    old = make(admin)
    answer = admin.post(f"/v1/api-keys/{old['about']['key_id']}/rotate", json={"overlap_hours": 2})
    new = answer.json()
    assert answer.status_code == 201
    assert [new["about"][name] for name in ("name", "roles", "centres")] == ["ward 3", ["clinician"], ["north"]]
    assert [status(admin, made["api_key"]) for made in (old, new)] == [200, 200]
    at(timedelta(hours=2))
    assert [status(admin, made["api_key"]) for made in (old, new)] == [401, 200]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"roles": []}, "roles"),
        ({"roles": ["doctor"]}, "roles.0"),
        ({"roles": ["clinician", "clinician"]}, "roles"),
        ({"centres": []}, "centres"),
        ({"centres": ["north", "north"]}, "centres"),
        ({"centres": "north"}, "centres"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 731}, "expires_in_days"),
        ({"expires_in_days": "30"}, "expires_in_days"),
        ({"name": "two\nlines"}, "name"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_a_key_that_cannot_be_is_refused(admin, change, path):
    assert paths(admin.post("/v1/api-keys", json=CLINICIAN | change)) == [path]


def test_whose_patients_a_key_reaches_must_be_said(admin):
    body = {name: value for name, value in CLINICIAN.items() if name != "centres"}
    assert paths(admin.post("/v1/api-keys", json=body)) == ["centres"]
    assert make(admin, centres=None)["about"]["centres"] is None


def test_f25_lists_of_keys_come_in_pieces_that_add_up(admin):
    for _ in range(5):
        make(admin)
    whole = admin.get("/v1/api-keys").json()["keys"]
    pieces, cursor = [], None
    while True:
        answer = admin.get("/v1/api-keys", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        pieces += answer["keys"]
        if (cursor := answer["next_cursor"]) is None:
            break
    assert pieces == whole
    assert len({key["key_id"] for key in pieces}) == len(pieces) >= 5


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "1_0", "01", "1.0", "", "\N{ARABIC-INDIC DIGIT FIVE}", "1e1", "1" * 50]
)
def test_f25_a_limit_that_is_none(admin, limit):
    assert paths(admin.get("/v1/api-keys", params={"limit": limit})) == ["query.limit"]


@pytest.mark.parametrize("cursor", ["", "x", "0" * 15, "../etc", "G" * 16, "' or 1=1 --"])
def test_f25_a_cursor_that_is_none(admin, cursor):
    problem(admin.get("/v1/api-keys", params={"cursor": cursor}), 400)


@pytest.mark.parametrize("name", ["x", "0" * 16, "..", "%00", "'; drop table api_key --"])
def test_a_key_that_nobody_made_is_not_found(admin, name):
    problem(admin.delete(f"/v1/api-keys/{name}"), 404)
    problem(admin.post(f"/v1/api-keys/{name}/rotate", json={}), 404)


def first_start(access, file, say):
    make_admin_key(access, file, say, though_one_works=False)


@pytest.fixture(params=KINDS)
def access(request, tmp_path):
    """An empty database of each kind."""
    database = Database(new_database(request.param, request, tmp_path))
    database.create_tables()
    yield Access(database, lambda: NOW)
    database.close()


def test_the_first_start_makes_one_admin_key_and_says_it_once(access):
    said = []
    for _ in range(3):
        first_start(access, None, said.append)
    assert len(said) == 1
    key = said[0].rpartition(" ")[2]
    with access.keys() as keys:
        assert keys.known(Secret.parse(key), NOW).roles == {"admin"}


def test_of_many_first_starts_at_once_one_makes_the_key(access):
    said = []
    starts = [threading.Thread(target=first_start, args=(access, None, said.append)) for _ in range(6)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len(said) == 1


def test_the_first_key_goes_into_a_file_of_its_owner_s_alone(access, tmp_path):
    said, file = [], tmp_path / "admin.key"
    first_start(access, file, said.append)
    key = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key not in said[0]
    with access.keys() as keys:
        assert keys.known(Secret.parse(key), NOW) is not None


def test_a_file_that_is_there_is_not_written_over_and_no_key_is_made(access, tmp_path):
    file = tmp_path / "admin.key"
    file.write_text("mine")
    with pytest.raises(SettingsError, match=r"admin-key-file: .* exists already"):
        first_start(access, file, print)
    assert file.read_text() == "mine"
    with access.keys() as keys:
        assert keys.after("", most=10) == []


def test_a_key_that_was_not_kept_leaves_no_file_behind_to_stand_in_the_way(access, tmp_path):
    file, engine = tmp_path / "admin.key", access.database.engine

    def fail(*_):
        raise OperationalError("commit", None, Exception())

    event.listen(engine, "commit", fail)
    with pytest.raises(OperationalError):
        first_start(access, file, print)
    event.remove(engine, "commit", fail)
    assert not file.exists()
    first_start(access, file, lambda _: None)
    with access.keys() as keys:
        assert keys.known(Secret.parse(file.read_text().strip()), NOW) is not None


def test_the_last_admin_key_cannot_be_revoked_and_where_none_works_a_start_makes_one(access):
    said = []
    first_start(access, None, said.append)
    with access.keys() as keys:
        (only,) = keys.after("", most=10)
    with pytest.raises(Exception, match="last admin key"), access.changing_keys() as keys:
        keys.revoke(only.key_id, now=NOW)
    later = replace(access, clock=lambda: NOW + timedelta(days=366))
    first_start(later, None, said.append)
    assert len(said) == 2


def test_an_operator_whose_keys_are_lost_makes_another(access, tmp_path, capsys):
    first_start(access, None, lambda _: None)
    url = access.database.engine.url.render_as_string(hide_password=False)
    file = tmp_path / "new.key"
    assert command(["--database", url, "--file", str(file)]) == 0
    assert command(["--database", url, "--file", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"admin-key-file: {file} exists already: move it away to have a new key written\n"
    with access.keys() as keys:
        assert keys.known(Secret.parse(file.read_text().strip()), NOW).roles == {"admin"}
        assert len(keys.after("", most=10)) == 2
