"""Row F09 of the failure catalogue: a grade that contradicts its Ki-67 is accepted, and said wherever a risk is."""

import pytest

from tests.service.conftest import BASELINE, PATIENT, VISIT

SAID = "Grade (WHO) and Ki-67 index contradict each other: check both."


@pytest.fixture
def entered(client):
    """Add a patient with these values instead; None is not known."""

    def add(**changed):
        answer = client.post("/v1/patients", json={**PATIENT, "baseline": {**BASELINE, **changed}})
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    return add


def test_f09_a_grade_that_contradicts_its_ki_67_is_said_with_every_risk(client, entered):
    patient = entered(grade="G1", ki67_percent=27.25)
    visit = client.post(f"{patient}/visits", json=VISIT)
    assert visit.status_code == 201
    shown = client.get(patient.replace("/v1", "/ui"), headers={"accept": "text/html"})
    risk = client.get(f"{patient}/risk").json()
    assert visit.json()["risk"]["warnings"].count(SAID) == 1
    assert risk["warnings"].count(SAID) == 1
    assert shown.text.count(SAID) == 1
    # Both are kept as they were entered, and the risk is given.
    taken = {item["name"]: item["value"] for item in risk["inputs"]}
    assert (taken["grade"], taken["ki67_percent"]) == ("G1", 27.25)
    assert risk["events"]
    # Once one of them is put right, nothing is left to say.
    corrected = client.patch(patient, json={"baseline": {"grade": "G3"}}, headers={"if-match": "*"})
    assert corrected.status_code == 200, corrected.text
    assert SAID not in client.get(f"{patient}/risk").json()["warnings"]


@pytest.mark.parametrize(
    "values",
    [
        {"grade": "G2", "ki67_percent": 3.0},
        {"grade": None, "ki67_percent": 27.25},
        {"grade": "G1", "ki67_percent": None},
        {"grade": "G3", "ki67_percent": 4.0, "mitoses_per_2mm2": 25.0},
    ],
    ids=["in agreement", "no grade", "no ki-67", "a grade by its mitoses"],
)
def test_f09_without_a_contradiction_nothing_is_said(client, entered, values):
    risk = client.get(f"{entered(**values)}/risk").json()
    assert risk["events"]
    assert "contradict" not in " ".join(risk["warnings"])
