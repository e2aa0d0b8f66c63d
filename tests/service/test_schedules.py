"""Schedules over HTTP: policies, what stands beside a plan, dates that are the same wherever they are asked for."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from model.errors import BadInputError
from model.schedule.policy import POLICIES
from model.study.file import DEFAULT_STUDY, read_study
from service.__main__ import main
from service.planning import read_planning
from tests.service.checks import problem
from tests.service.conftest import BASELINE, PATIENT, VISIT

STUDY = read_study(DEFAULT_STUDY)
PRICE = 'rule = "price"\nprice = {}\n'


@pytest.fixture
def whole(client, patient):
    client.post(f"{patient}/visits", json=VISIT)
    return client.get(f"{patient}/schedule", params={"as_of": "2024-09-01"}).json()


def test_the_plan_has_figures_with_bands_and_other_choices_beside_it(whole):
    assert whole["policy"] == "match-guideline"
    assert whole["next"]["date"] == whole["plan"][0]["date"]
    found, low, high = whole["figures"], whole["bands"]["low"], whole["bands"]["high"]
    for name in ("undetected_months", "expected_delay_months", "onset_probability", "missed_probability"):
        assert low[name] < found[name] < high[name]
    assert found["expected_delay_months"] == pytest.approx(found["undetected_months"] / found["onset_probability"])
    points = [point["figures"] for point in whole["frontier"]]
    assert [point["cost"] for point in points] == sorted(point["cost"] for point in points)
    assert points[-1]["undetected_months"] < points[0]["undetected_months"]


def test_guidelines_show_their_marks_and_what_was_assumed(whole):
    named = {item["id"]: item for item in whole["guidelines"]}
    enets = named["ENETS-2023"]
    assert enets["mark"] == "U"
    assert enets["caution"].startswith("[U] background knowledge, not verified")
    assert enets["assumed_facts"] == ["nodes_imaging"]
    # 12 to 60 months, yearly at first, is what the row asks for; the first of it is a year after resection.
    first = date.fromisoformat(enets["plan"][0]["date"])
    assert first in {date(2024, 7, 15) + timedelta(days=n) for n in range(400)}
    assert enets["figures"]["onset_probability"] == pytest.approx(whole["figures"]["onset_probability"])
    assert all(item["caution"] for item in whole["guidelines"] if item["mark"] != "V")
    silent = {item["id"] for item in whole["silent_guidelines"]}
    assert silent
    assert silent.isdisjoint(named)


def test_bodies_are_asked_about_treatment_and_said_to_part_on_what_turns_some(whole):
    treatment = whole["treatment"]
    spoken = {body["id"]: body["rule"] for body in treatment["bodies"] if body["rule"]}
    assert spoken
    assert all(rule["kind"] in {"local", "radical", "either"} and rule["advice"] for rule in spoken.values())
    assert all(rule["caution"] for rule in spoken.values() if rule["mark"] not in {"V", "V2"})
    turned = [set(body["turned_by"]) for body in treatment["bodies"]]
    assert set(treatment["parts_on"]) == set.union(*turned) - set.intersection(*turned)
    assert set(treatment["assumed_facts"]).isdisjoint(BASELINE)


def test_a_referral_names_its_criteria_and_what_staying_costs(client, patient):
    answer = client.get(f"{patient}/schedule", params={"tier": "primary"}).json()["referral"]
    assert answer["to_tier"] == "regional"
    assert "incomplete resection (R1) [P]" in answer["why"]
    assert any(reason.startswith("enlarged nodes") for reason in answer["unknown"])
    assert set(answer["cost_of_staying"]) == {"cost", "undetected_months", "missed_probability"}
    assert client.get(f"{patient}/schedule", params={"tier": "tertiary"}).json()["referral"] is None


def test_a_policy_is_named_and_an_unknown_one_refused_with_those_there_are(client, patient):
    described = client.get("/v1/model").json()["policies"]
    assert {item["name"] for item in described} == {path.stem for path in POLICIES.glob("*.toml")}
    assert [item["name"] for item in described if item["default"]] == ["match-guideline"]
    said = client.get(f"{patient}/schedule", params={"policy": "max-unseen-risk"}).json()
    assert said["policy"] == "max-unseen-risk"
    assert (said["bands"], said["frontier"]) == (None, [])
    assert {item["id"] for item in said["guidelines"]} >= {"ENETS-2023", "JNETS-2019"}
    rule = "must be one of match-guideline, max-unseen-risk, price, target-delay"
    refusal = client.get(f"{patient}/schedule", params={"policy": "cheapest"})
    assert problem(refusal, 422)["errors"] == [{"path": "query.policy", "rule": rule}]
    body = {"patient": {"origin_date": PATIENT["origin_date"], "baseline": BASELINE}, "policy": "cheapest"}
    assert problem(client.post("/v1/schedule", json=body), 422)["errors"] == [{"path": "policy", "rule": rule}]


@pytest.fixture
def idle(app, tmp_path):
    """The service by a policy under which no visit is worth it."""
    (tmp_path / "idle.toml").write_text(PRICE.format(1e-6))
    service = app.state.service
    app.state.service = replace(service, planning=read_planning(STUDY, tmp_path))
    yield
    app.state.service = service


@pytest.mark.usefixtures("idle")
def test_where_no_visit_is_worth_it_there_is_no_next_one_and_that_is_said(client, patient):
    answer = client.post(f"{patient}/visits", json=VISIT).json()["schedule"]
    assert (answer["next"], answer["plan"]) == (None, [])
    assert answer["rationale"][0].startswith("No visit until the plan's end")
    assert client.get("/v1/monitoring/overdue").json()["total"] == 0
    for address, said in (
        ("/ui", "No visit gains as much as it costs."),
        (patient.replace("/v1", "/ui"), "None until "),
    ):
        assert said in client.get(address, headers={"accept": "text/html"}).text


def test_the_page_shows_the_plan_the_guidelines_with_marks_and_other_tiers(client, patient):
    shown = client.get(patient.replace("/v1", "/ui"), headers={"accept": "text/html"}).text
    whole = client.get(f"{patient}/schedule", params={"as_of": PATIENT["origin_date"]}).json()
    assert all(step["date"] in shown for step in whole["plan"])
    assert "ENETS 2023 [U]" in shown
    assert "background knowledge, not verified" in shown
    assert 'aria-current="true">regional</a>' in shown
    primary = client.get(patient.replace("/v1", "/ui") + "?tier=primary", headers={"accept": "text/html"}).text
    assert "Refer to a regional centre:" in primary
    assert "Follow-up with the tests of a primary centre alone" in primary
    assert (
        client.get(patient.replace("/v1", "/ui") + "?tier=village", headers={"accept": "text/html"}).status_code == 422
    )


def test_a_folder_of_one_s_own_has_its_own_default(tmp_path):
    (tmp_path / "b.toml").write_text(PRICE.format(2.0))
    assert read_planning(STUDY, tmp_path).default == "b"
    (tmp_path / "default.toml").write_text(PRICE.format(3.0))
    assert read_planning(STUDY, tmp_path).default == "default"


def test_what_cannot_plan_for_a_study_is_left_out():
    untested = STUDY.model_copy(update={"name": "other", "policy": None})
    assert set(read_planning(untested).policies) == {"price", "target-delay"}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (None, "no policy file (*.toml) here"),
        ('rule = "match-guideline"\nguideline = "ENETS-2023"\n', "price: find it first"),
        ('rule = "match-guideline"\nguideline = "ENETS"\nprice = 1.0\n', "guideline: no [[guideline]] has this id"),
        ('rule = "price"\n', 'rule "price" needs a price'),
    ],
)
def test_a_folder_that_is_no_good_is_named(tmp_path, artifacts, capsys, text, rule):
    if text is not None:
        (tmp_path / "p.toml").write_text(text)
    with pytest.raises(BadInputError) as caught:
        read_planning(STUDY, tmp_path)
    assert rule in str(caught.value)
    asked = ["--policies", str(tmp_path), "--artifacts", str(artifacts), "--database", f"sqlite:///{tmp_path / 'x'}"]
    assert main(asked) == 2
    assert rule in capsys.readouterr().err
