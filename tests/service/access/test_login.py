"""The pages: a key is exchanged for a session, which reads and does nothing else."""

import re
import time
from datetime import timedelta

import httpx
import pytest

from service.access.keys import Secret
from service.access.refusals import SECONDS_BETWEEN, Refusals
from service.access.session import COOKIE, LASTS_SECONDS, Sessions
from tests.service.checks import problem
from tests.service.conftest import NOW, key_for

HTML = {"accept": "text/html"}
SESSIONS = Sessions(b"a secret of the tests, 32 bytes or more")


def key_of(app, *roles, **limits):
    return key_for(app, *roles, **limits)["authorization"].removeprefix("Bearer ")


@pytest.fixture
def browser(server):
    with httpx.Client(base_url=server, timeout=60, headers=HTML) as http:
        yield http


def log_in(browser, key, **fields):
    return browser.post("/ui/login", data={"key": key, **fields})


def test_without_a_session_every_page_leads_to_the_login_and_back(browser, app, patients):
    asked = patients["north"].replace("/v1", "/ui") + "?tier=primary"
    answer = browser.get(asked)
    assert answer.status_code == 303
    form = browser.get(answer.headers["location"])
    then = re.search(r'name="next" value="([^"]+)"', form.text)[1]
    assert then == asked
    back = log_in(browser, key_of(app, "clinician"), next=then)
    assert (back.status_code, back.headers["location"]) == (303, asked)
    assert browser.get(asked).status_code == 200


def test_the_cookie_is_for_this_site_s_pages_alone_and_short(browser, app):
    cookie = log_in(browser, key_of(app, "clinician")).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", f"max-age={LASTS_SECONDS}", "path=/"} <= set(cookie.split("; "))
    assert LASTS_SECONDS <= 3600


def test_the_login_says_nothing_of_the_model_or_of_patients(browser, patients, model):
    shown = browser.get("/ui/login").text
    assert "Decision support, not a medical device." in shown
    assert model.version not in shown
    assert "at north" not in shown


@pytest.mark.parametrize("key", ["", "x", "rr_" + "0" * 16 + "_" + "A" * 43, "<script>alert(1)</script>"])
def test_a_key_that_is_no_good_is_refused_and_not_shown(browser, key):
    answer = log_in(browser, key)
    assert answer.status_code == 401
    assert "This key does not open anything" in answer.text
    assert len(key) < 2 or key not in answer.text
    assert "set-cookie" not in answer.headers


def test_a_key_that_is_not_for_pages_does_not_log_in(browser, app):
    answer = log_in(browser, key_of(app, "ingest"))
    assert answer.status_code == 401
    assert "This key is not for the pages." in answer.text


def test_who_logged_in_and_who_tried_to_is_in_the_audit_log(browser, app, admin, monkeypatch):
    clock, refusals = {"now": 1000.0}, Refusals(lambda: clock["now"])
    monkeypatch.setattr(app.state.service.access.refusals, "__dict__", refusals.__dict__)
    head = admin.get("/v1/audit/verify").json()["head_sequence"]
    good, over, other = key_of(app, "clinician"), key_of(app, "clinician", days=0), key_of(app, "ingest")
    for key in (good, over, other, over, "x", "y", over, Secret.new().text):
        log_in(browser, key)
    clock["now"] += SECONDS_BETWEEN
    app.state.service.reads.settle()
    browser.post("/ui/login", data={"key": "x"})  # too soon after the count
    clock["now"] += SECONDS_BETWEEN
    app.state.service.reads.settle()
    clock["now"] += SECONDS_BETWEEN
    browser.post("/ui/login", data={"key": "x"}, headers={"x-request-id": "the-last"})
    admin.get("/v1/audit/verify")
    log = admin.get("/v1/audit", params={"cursor": str(head)})
    entries = log.json()["entries"]
    name = {key: f"key:{key.split('_')[1]}" for key in (good, over, other)}
    assert [(entry["action"], entry["caller"], entry["details"]) for entry in entries] == [
        ("session.begin", name[good], {}),
        ("session.refuse", name[over], {"attempts": 1}),
        ("session.refuse", name[other], {"attempts": 1}),
        ("session.refuse", "anonymous", {"attempts": 1}),
        # Anybody can make any number: those of ten seconds are one more entry each.
        ("session.refuse", name[over], {"attempts": 2}),
        ("session.refuse", "anonymous", {"attempts": 2}),
        ("session.refuse", "anonymous", {"attempts": 1}),
        ("session.refuse", "anonymous", {"attempts": 1}),
    ]
    assert entries[-1]["request_id"] == "the-last"
    assert not any(Secret.parse(key).secret in log.text for key in name)


def test_refusals_that_are_not_written_down_yet_are_when_the_service_stops():
    refusals = Refusals(lambda: 0.0)
    assert [refusals.refused("somebody") for _ in range(4)] == [True, False, False, False]
    assert refusals.due() == {}
    assert refusals.due(at_the_end=True) == {"somebody": 3}
    assert refusals.due(at_the_end=True) == {}


def test_a_session_reads_pages_and_the_audit_and_nothing_else(browser, app, patients, model):
    log_in(browser, key_of(app, "admin"))
    assert browser.get("/ui").status_code == 200
    assert browser.get(f"/v1/models/{model.version}/calibration").status_code == 200
    assert browser.get(patients["north"]).status_code == 401
    assert browser.post("/v1/api-keys", json={}).status_code == 401
    assert browser.delete(patients["north"]).status_code == 401


def test_a_session_has_the_key_s_centres(browser, app, patients):
    log_in(browser, key_of(app, "clinician", centres=["north"]))
    assert browser.get(patients["north"].replace("/v1", "/ui")).status_code == 200
    assert browser.get(patients["south"].replace("/v1", "/ui")).status_code == 404


def test_a_session_ends_with_its_key(browser, app, admin):
    key = key_of(app, "clinician")
    log_in(browser, key)
    assert browser.get("/ui").status_code == 200
    admin.delete(f"/v1/api-keys/{key.split('_')[1]}")
    assert browser.get("/ui").status_code == 303


def test_logging_out_ends_it_in_this_browser(browser, app):
    log_in(browser, key_of(app, "clinician"))
    assert browser.post("/ui/logout").headers["location"] == "/ui/login"
    assert browser.get("/ui").status_code == 303


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "//evil.example", "/ui//evil", "/uix", "/v1/model", "/ui/\\evil", "/ui@evil", ""],
)
def test_nobody_is_led_elsewhere(browser, app, address):
    followed = log_in(browser, key_of(app, "clinician"), next=address).headers["location"]
    assert followed == (address if address == "/ui//evil" else "/ui")


def test_a_form_of_another_site_is_refused(browser, app):
    key = key_of(app, "clinician")
    for path in ("/ui/login", "/ui/logout"):
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://[", "", browser.base_url.host):
            answer = browser.post(path, data={"key": key}, headers={"origin": origin})
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
    assert log_in(browser, key).status_code == 303


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"key=x", "application/json", 415),
        (b"key=" + b"x" * 2000, "application/x-www-form-urlencoded", 413),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % n for n in range(9)), "application/x-www-form-urlencoded", 400),
    ],
)
def test_what_is_no_form_is_refused(browser, content, kind, status):
    answer = browser.post("/ui/login", content=content, headers={"content-type": kind, "accept": "*/*"})
    problem(answer, status)


def test_a_note_counts_for_an_hour_and_only_as_it_was_signed():
    now = NOW.timestamp()
    note = SESSIONS.issue("0" * 16, now)
    assert SESSIONS.key_of(note, now + LASTS_SECONDS - 1) == "0" * 16
    assert SESSIONS.key_of(note, now + LASTS_SECONDS) is None
    key_id, until, signature = note.split(".")
    for forged in (
        f"{'1' * 16}.{until}.{signature}",
        f"{key_id}.{int(until) + 1}.{signature}",
        f"{key_id}.{until}.{'0' * 64}",
        f"{key_id}.{until}",
        "",
        note + "x",
    ):
        assert SESSIONS.key_of(forged, now) is None
    assert Sessions(b"another secret").key_of(note, now) is None


def test_a_cookie_made_to_take_long_takes_no_time(browser, app):
    """Unquoting takes Python before 3.11.10 the square of its length: seconds, for anybody and at any address."""
    hostile = f'a="{chr(92) * 60_000}"'
    note = log_in(browser, key_of(app, "clinician")).headers["set-cookie"].partition(";")[0]
    browser.cookies.clear()
    began = time.perf_counter()
    for path, cookie, status in (
        ("/healthz", hostile, 200),
        ("/ui/login", hostile, 200),
        ("/ui", hostile, 303),
        ("/ui", f"{hostile}; {note}", 200),
        ("/ui", f"{note}; {hostile}", 200),
    ):
        assert browser.get(path, headers={"cookie": cookie, "accept": "text/html, */*;q=0.5"}).status_code == status
    assert time.perf_counter() - began < 3


def test_a_forged_cookie_opens_nothing(browser, app):
    key = key_of(app, "clinician")
    note = SESSIONS.issue(key.split("_")[1], (NOW + timedelta(0)).timestamp())
    for value in (note, "x", '"', "a=b; " * 50 + "c"):
        assert browser.get("/ui", headers={"cookie": f"{COOKIE}={value}"}).status_code == 303
