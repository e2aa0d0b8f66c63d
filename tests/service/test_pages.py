"""The pages: what they say, and that they need nothing but themselves."""

import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import numpy as np
import pytest
from sqlalchemy import text

from service.ui.routes import _points
from tests.service.checks import ANY_VERSION
from tests.service.conftest import PATIENT, VISIT

HTML = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
TIMES = "\N{MULTIPLICATION SIGN}"
VOID = {"meta", "link", "br", "input"}
FORMS = {("post", "/ui/logout"), ("get", "/ui")}
HOSTILE = "<script>alert(1)</script> {{ 7*7 }} \"'&"


class Page(HTMLParser):
    """A page that is parsed and held to be well formed."""

    def __init__(self, answer):
        super().__init__()
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        self.status, self.html = answer.status_code, answer.text
        self.open, self.tags, self.words = [], [], []
        self.feed(self.html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def page(client, path, status=200):
    shown = Page(client.get(path, headers=HTML))
    assert shown.status == status
    return shown


@pytest.fixture
def address(client, patient):
    client.post(f"{patient}/visits", json=VISIT)
    return patient.replace("/v1", "/ui")


def all_pages(client, address):
    return [page(client, "/ui"), page(client, address), page(client, "/ui/patients/nobody", 404)]


def test_every_page_says_what_it_is_and_is_not(client, address):
    for shown in all_pages(client, address):
        assert "Decision support, not a medical device." in shown.text
        assert "Trained on synthetic data: not for decisions about real patients." in shown.text


def test_no_page_runs_or_fetches_anything_from_elsewhere(client, address):
    for shown in all_pages(client, address):
        for tag, attributes in shown.tags:
            assert tag not in ("script", "iframe", "img", "style")
            assert tag != "form" or (attributes["method"], attributes["action"]) in FORMS
            assert not any(name.startswith("on") or name == "style" for name in attributes)
            for name in ("href", "src"):
                assert attributes.get(name, "#").startswith(("/ui", "/v1/", "#"))
    assert client.get("/ui/style.css").headers["content-type"] == "text/css; charset=utf-8"
    style = client.get("/ui/style.css").text
    assert "url(" not in style
    assert "@import" not in style


def test_pages_can_be_read_without_eyes_or_mouse(client, address):
    for shown in all_pages(client, address):
        assert shown.html.startswith('<!doctype html>\n<html lang="en">')
        names = [tag for tag, _ in shown.tags]
        assert names.count("h1") == names.count("main") == names.count("title") == 1
        assert ("a", {"class": "skip", "href": "#content"}) in shown.tags
        identifiers = [attributes["id"] for _, attributes in shown.tags if "id" in attributes]
        assert len(identifiers) == len(set(identifiers))
        for tag, attributes in shown.tags:
            assert tag != "th" or attributes["scope"] in ("col", "row")
            assert tag != "svg" or (attributes["role"] == "img" and attributes["aria-label"])
        assert names.count("table") == names.count("caption")
        sections = [attributes["aria-labelledby"] for tag, attributes in shown.tags if tag == "section"]
        assert set(sections) <= set(identifiers)


def test_the_patient_page_shows_what_the_api_answers(client, patient, address):
    shown = page(client, address).text
    schedule = client.get(f"{patient}/schedule", params={"as_of": VISIT["date"]}).json()
    risk = client.get(f"{patient}/risk").json()
    assert schedule["next"]["date"] in shown
    assert schedule["rationale"][0] in shown
    for event in risk["events"][:3]:
        assert event["label"] in shown
        for number in (event["unseen_now"]["value"], *(horizon["high"] for horizon in event["horizons"])):
            assert f"{100 * number:.1f} %" in shown
    assert "Sigmoidoscopy with scar biopsy negative" in shown
    assert "Chromogranin A 80.5 ng/mL" in shown
    assert "scar flat" in shown
    assert "What the last visit changed" in shown


def percent(probability):
    return f"{100 * probability:.1f} %"


def test_the_patient_page_says_what_knowing_more_could_change(client):
    few = {key: PATIENT["baseline"][key] for key in ("age_years", "sex", "size_mm", "grade", "technique")}
    body = {**PATIENT, "patient_ref": "few", "origin_date": "2025-12-01", "baseline": few}
    patient = client.post("/v1/patients", json=body).headers["location"]
    missing = client.get(f"{patient}/risk").json()["missing"]
    shown = page(client, patient.replace("/v1", "/ui")).text
    most = missing[0]
    could = next(item for item in most["could_change"] if item["event"] is None and item["horizon_months"] == 60)
    assert f"within 60 months is {percent(could['now'])}" in shown
    assert f"Knowing “{most['label']}” would place it between {percent(could['low'])} (if " in shown
    assert f") and {percent(could['high'])} (if " in shown
    assert all(item["label"] in shown for item in missing)
    assert shown.count("Knowing “") == 5


def test_bars_say_each_group_with_its_sign(client, patient, address):
    client.post(f"{patient}/visits", json={"date": "2025-01-15", "markers": {"cga": 400}})
    shown = page(client, address)
    labels = [attributes["aria-label"] for tag, attributes in shown.tags if tag == "svg"]
    today = client.get(f"{patient}/risk").json()
    for event in today["events"]:
        effects = {item["group"]: item["effect"][event["name"]] for item in today["groups"]}
        about = next(label for label in labels if label.startswith(f"{event['label']}: what each group"))
        assert f"Pathology {TIMES}{np.exp(effects['pathology']):.2f}" in about
        assert about.endswith(f"All together {TIMES}{np.exp(sum(effects.values())):.2f}")
        assert any(label.startswith(f"{event['label']}: what moved the hazard. Biomarkers {TIMES}") for label in labels)
    # What raises and what lowers differ in shape and in a sign, not in colour only.
    bars = [attributes["class"] for tag, attributes in shown.tags if tag == "rect"]
    assert {"up", "down"} <= set(bars)
    assert shown.text.count("▲") == bars.count("up")
    assert shown.text.count("▼") == bars.count("down")


def test_the_list_shows_each_patient_with_the_next_date(client):
    planned = {}
    for reference, origin, last in (("A-1", "2022-01-15", "2022-07-15"), ("B-2", "2025-12-01", "2025-12-01")):
        body = {**PATIENT, "patient_ref": reference, "origin_date": origin}
        patient = client.post("/v1/patients", json=body).headers["location"]
        if origin != last:
            client.post(f"{patient}/visits", json={**VISIT, "date": last})
        planned[reference] = client.get(f"{patient}/schedule", params={"as_of": last}).json()["next"]["date"]
    shown = page(client, "/ui").text
    assert "2 patients" in shown
    assert f"{planned['A-1']} overdue" in shown  # the longest interval ended long before the clock's today
    assert planned["B-2"] in shown
    assert f"{planned['B-2']} overdue" not in shown
    assert shown.index("A-1") < shown.index("B-2")


def test_f23_what_people_type_is_shown_and_never_obeyed(client):
    location = client.post("/v1/patients", json={**PATIENT, "patient_ref": HOSTILE, "centre": HOSTILE}).headers[
        "location"
    ]
    client.post(f"{location}/visits", json={**VISIT, "note": HOSTILE})
    for shown in (page(client, "/ui"), page(client, location.replace("/v1", "/ui"))):
        assert "<script" not in shown.html
        assert HOSTILE in shown.text


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (("visits", {"date": "2025-01-15", "tests": {"ct": "positive"}}), ["A positive result awaits work-up"] * 2),
        (
            ("outcome", {"date": "2024-07-15", "event": "nodal"}),
            ["Follow-up ended on 2024-07-15.", "The patient's follow-up had ended by this date."],
        ),
    ],
)
def test_pages_say_why_there_is_no_number(client, patient, address, fact, said):
    path, body = fact
    assert client.post(f"{patient}/{path}", json=body, headers=ANY_VERSION).status_code == 201
    for shown, words in zip((page(client, "/ui"), page(client, address)), said, strict=True):
        assert words in shown.text
        assert "Risk as of" not in shown.text


def test_who_died_between_visits_is_not_overdue_and_has_no_plan(client, patient, address):
    client.post(f"{patient}/visits", json=VISIT)
    body = {"date": "2025-03-01", "event": "death"}
    assert client.post(f"{patient}/outcome", json=body, headers=ANY_VERSION).status_code == 201
    listed, own = page(client, "/ui").text, page(client, address).text
    assert "Follow-up ended on 2025-03-01." in listed
    assert "The patient's follow-up had ended by this date." in own
    for shown in (listed, own):
        assert not re.search("overdue (by|[0-9])|Next visit [0-9]|Overdue by", shown)
    assert "No visit is overdue." in page(client, "/ui?show=overdue").text


def test_pages_give_no_number_for_a_record_of_another_study(client, address, app):
    with app.state.service.database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("update patient set study = 'csl'"))
    for shown in (page(client, "/ui"), page(client, address)):
        assert "does not fit the loaded model's" in shown.text
        assert "Risk as of" not in shown.text


@pytest.mark.parametrize(
    ("difference", "said"), [(0.0123, "+1.2"), (-0.021, "\N{MINUS SIGN}2.1"), (-0.0004, "0.0"), (0.0004, "0.0")]
)
def test_a_difference_has_a_sign_unless_it_rounds_to_nothing(difference, said):
    assert _points(difference) == said


def test_an_empty_list_says_how_to_begin(client):
    assert "No patient is recorded" in page(client, "/ui").text
    assert "No visit is overdue." in page(client, "/ui?show=overdue").text


def links(shown):
    return [attributes.get("href") for tag, attributes in shown.tags if tag == "a"]


def test_the_list_comes_in_pages(client):
    for number in range(51):
        client.post("/v1/patients", json={**PATIENT, "patient_ref": f"P-{number:03}"})
    first, second = page(client, "/ui"), page(client, "/ui?page=2")
    assert "P-049" in first.text
    assert "P-050" not in first.text
    assert "P-050" in second.text
    assert "Page 2 of 2" in second.text
    assert "The list has 2 pages." in page(client, "/ui?page=3").text
    narrowed = page(client, "/ui?q=p-0")
    assert "51 patients whose reference holds “p-0”" in narrowed.text
    assert "/ui?q=p-0&page=2" in links(narrowed)
    assert "P-050" in page(client, "/ui?q=p-0&page=2").text
    for wrong in ("0", "-1", "1_0", "x", "1000001", "٢"):
        page(client, f"/ui?page={wrong}", 422)


def test_patients_are_found_by_any_part_of_their_reference(client):
    for reference in ("A-1", "B_1", "b-12", "50 %", "Ä-7"):
        client.post("/v1/patients", json={**PATIENT, "patient_ref": reference})

    def found(text):
        shown = page(client, f"/ui?{urlencode({'q': text})}")
        return [reference for reference in ("A-1", "B_1", "b-12", "50 %", "Ä-7") if f" {reference} " in shown.text]

    assert found("1") == ["A-1", "B_1", "b-12"]
    assert found("B-") == ["b-12"]
    assert found("_") == ["B_1"]  # no wildcard
    assert found("%") == ["50 %"]
    assert found("Ä") == ["Ä-7"]
    assert found(" a-1 ") == ["A-1"]
    assert "reference holds “nobody”." in page(client, "/ui?q=nobody").text
    assert HOSTILE in page(client, f"/ui?{urlencode({'q': HOSTILE})}").text
    page(client, f"/ui?q={'x' * 101}", 422)
    page(client, "/ui?show=late", 422)


def test_the_overdue_are_listed_apart_the_longest_overdue_first(client):
    for reference, origin in (("A-1", "2023-01-15"), ("B-2", "2022-01-15"), ("C-3", "2025-12-01")):
        client.post("/v1/patients", json={**PATIENT, "patient_ref": reference, "origin_date": origin})
    shown = page(client, "/ui?show=overdue").text
    assert shown.index("B-2") < shown.index("A-1")
    assert "C-3" not in shown
    late = client.get("/v1/monitoring/overdue").json()["patients"]
    assert all(f"overdue by {row['days_overdue']} days" in shown for row in late)
    narrowed = page(client, "/ui?show=overdue&q=a-").text
    assert "1 overdue patient whose reference holds “a-”" in narrowed
    assert "B-2" not in narrowed
    own = page(client, links(page(client, "/ui?q=A-1"))[-1]).text
    days = next(row["days_overdue"] for row in late if row["patient_ref"] == "A-1")
    assert f"Overdue by {days} days: the plan below is that of 2023-01-15." in own


def test_nobody_who_is_overdue_is_left_out_of_the_pages(client, monkeypatch):
    monkeypatch.setattr("service.monitoring.overdue.MOST_LISTED", 1)
    for reference, origin in (("A-1", "2023-01-15"), ("B-2", "2022-01-15")):
        client.post("/v1/patients", json={**PATIENT, "patient_ref": reference, "origin_date": origin})
    late = client.get("/v1/monitoring/overdue").json()
    assert (late["total"], len(late["patients"])) == (2, 1)
    assert "2 overdue patients" in page(client, "/ui?show=overdue").text
    assert "1 overdue patient whose reference holds “a”" in page(client, "/ui?show=overdue&q=a").text


def test_an_address_that_asks_for_too_much_is_told_the_rule(client):
    assert "The text to find: " in page(client, f"/ui?q={'x' * 101}", 422).text
    assert "The address asks for a “show” that there is not." in page(client, "/ui?show=late", 422).text


def test_the_patient_page_says_what_is_recorded(client, address):
    shown = page(client, address).text
    for said in ("Age at resection 61 years", "Tumour size 12.5 mm", "Lymphovascular invasion yes", "Ki-67 index 4 %"):
        assert said in shown


def test_an_address_with_a_mistake_is_told_in_words(client):
    shown = page(client, "/ui?page=0", 422).text
    assert "The address asks for a “page” that there is not." in shown
    assert "pattern" not in shown


def test_a_refusal_on_a_page_is_a_page_only_for_who_takes_pages(client):
    assert "There is no such patient." in page(client, "/ui/patients/nobody", 404).text
    assert page(client, "/ui/nowhere", 404).text
    data = client.get("/ui/patients/nobody", headers={"accept": "application/json"})
    assert data.headers["content-type"] == "application/problem+json"
