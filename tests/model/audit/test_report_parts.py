"""What only some audits hold, and what every audit's page maps and answers."""

import re

import pytest

from model.audit.report import render
from tests.model.audit.pages import FACTS, Outline, example_document, example_page


@pytest.fixture(scope="module")
def document():
    return example_document()


@pytest.fixture(scope="module")
def page():
    return example_page()


def figure(value, low, high):
    return {"value": value, "low": low, "high": high}


def row_of(page, first):
    """The cells after the heading of the first row that is headed so."""
    row = page.split(f'<th scope="row">{first}</th>')[1].split("</tr>")[0]
    return [
        re.sub(r"<.*?>", "", cell).replace("\u00a0", " ").replace("&nbsp;", " ")
        for cell in re.findall(r"<td.*?>(.*?)</td>", row)
    ]


def test_what_the_page_holds_is_what_its_contents_name(document, page):
    listed = re.findall(r'<li><a href="#([^"]+)">', page.split("</nav>")[0])
    headed = re.findall(r'<h2 id="([^"]+)">', page)
    assert listed == headed
    assert "groups" in headed
    bare = render({**document, "fairness": []}, FACTS)
    assert "groups" not in re.findall(r'<h2 id="([^"]+)">', bare)
    assert "not examined" in bare.split('<h2 id="tripod">')[1]


def test_all_27_items_are_mapped_once_in_order_to_places_that_exist(page):
    mapped = page.split('<h2 id="tripod">')[1].split("</table>")[0]
    items = [int(each) for cell in re.findall(r'<th scope="row">([\d, ]+)</th>', mapped) for each in cell.split(",")]
    assert items == list(range(1, 28))
    assert set(re.findall(r'href="#([^"]+)"', mapped)) <= set(re.findall(r'id="([^"]+)"', page))


def test_the_answer_is_the_verdict(document, page):
    answer = page.split('<h2 id="answer">')[1].split("</section>")[0]
    verdict = document["verdict"]
    assert all(each["text"] in answer for each in (*verdict["fit_for"], *verdict["not_for"]))
    assert "who are invented" in answer
    for row in verdict["gate"]:
        told = {None: "cannot be judged", True: "met", False: "not met"}[row["passed"]]
        assert row_of(answer, row["event"])[-1] == told


def test_a_flagged_group_stands_out_and_is_named(document):
    row = next(row for row in document["fairness"] if row["too_few"] is None)
    flag = {"question": "subgroup", "event": row["event"], "group": row["group"], "level": row["level"]}
    flag |= {"text": "Made up <flag>", "limits_use": True}
    page = render({**document, "verdict": {**document["verdict"], "flags": [flag]}}, FACTS)
    groups = page.split('<h2 id="groups">')[1].split("</section>")[0]
    assert "1 differs by more than chance: Made up &lt;flag&gt;" in groups
    assert "groups with a figure, 1 beyond chance" in groups


def test_a_validation_is_shown_by_part_and_for_a_centre_yet_to_come(document):
    step = {"group": "centre", "level": "North", "n": 90, "observed": 12, "expected": 10.0}
    validation = {
        "kind": "centre",
        "always_learned_from": 7,
        "parts": [],
        "one_step": [
            {**step, "event": "recurrence", "ratio": figure(1.2, 0.7, 1.9)},
            {**step, "event": "any target", "level": "South", "observed": 3, "ratio": None},
        ],
        "by_horizon": [{**document["by_horizon"][0], "level": "North"}],
        "summary": [
            {
                "event": "recurrence",
                "landmark": None,
                "horizon": None,
                "n": 4,
                "oe": figure(1.1, 0.9, 1.3),
                "next": {"low": 0.6, "high": 2.0},
                "between_sd": 0.1,
            }
        ],
    }
    page = render({**document, "validation": validation}, FACTS)
    assert not Outline(page).open
    assert "7 patients belong to no such part" in page
    assert row_of(page, "North") == ["recurrence", "90", "12", "10.0", "1.20 (0.70 to 1.90)"]
    assert row_of(page, "South")[-1] == "too few events (3)"
    assert "0.60 to 2.00" in page
    assert 'href="#validation">Each centre left out' in page


def test_an_audit_elsewhere_says_who_differs_whether_an_update_helps_and_what_was_true(document):
    place = {"event": "recurrence", "landmark": 0.0, "horizon": 12.0}
    both = {"trained": {"mean": 1.0, "sd": 0.5}, "here": {"mean": 1.2, "sd": 0.5}}
    elsewhere = {
        "external": {"trained_on": {}, "audited": {}, "same_data": False},
        "case_mix": {
            "inputs": [
                {"input": "x", "source": "x", **both, "difference": 0.4, "notable": True}
                | {"missing_trained": 0.1, "missing_here": None},
                {"input": "y", "source": "y", "trained": None, "here": None, "difference": None, "notable": None}
                | {"missing_trained": None, "missing_here": 0.2},
            ],
            "prognosis": [{"event": "death", **both, "difference": -0.4, "spread": 1.0, "why_not": None}],
            "statement": ["inputs that differ: x (+0.40)"],
        },
        "update_helps": [
            {
                "event": "death",
                "n": 3,
                "method": "kept",
                "hazard_ratio": None,
                "slope": None,
                "gain": None,
                "helps": None,
            },
            {"event": "recurrence", "n": 60, "method": "slope", "hazard_ratio": figure(2.0, 1.5, 2.6)}
            | {"slope": figure(0.9, 0.7, 1.1), "gain": {"value": -1.5, "standard_error": 0.5}, "helps": "no"},
        ],
        "truth": [
            {**place, "n": 300, "onsets": 30, "onset_oe": figure(0.9, 0.8, 1.0), "ipa": figure(0.1, 0.0, 0.2)}
            | {"auc": figure(0.7, 0.6, 0.8), "too_few": None},
        ],
    }
    page = render({**document, **elsewhere}, FACTS)
    assert not Outline(page).open
    assert "Inputs that differ: x (+0.40)." in page
    assert row_of(page, "x") == ["1.00 (0.50)", "1.20 (0.50)", "+0.40", "yes", "10.0 %", "unknown"]
    assert row_of(page, "y") == ["unknown", "unknown", "unknown", "unknown", "unknown", "20.0 %"]
    assert "\u22120.40" in page
    update = page.split('<h2 id="update">')[1]
    assert row_of(update, "death")[-1] == "too few events to try"
    assert row_of(update, "recurrence")[2:] == ["2.00 (1.50 to 2.60)", "0.90 (0.70 to 1.10)", "\u22121.50 (0.50)", "no"]
    assert "0.90 (0.80\u00a0to\u00a01.00)" in page.split('<h2 id="truth">')[1]
    assert "trained on other tables" in page
    same = {**elsewhere, "external": {"trained_on": {}, "audited": {}, "same_data": True}}
    assert "this is no validation" in render({**document, **same}, FACTS)


def test_a_ratio_that_next_to_nothing_is_known_of_is_only_called_huge(document):
    far = {"event": "death", "input": "far", "per": "mm", "estimate": 900.0, "low": -900.0, "high": 1800.0}
    far |= {"prior": None, "prior_weight": 0.0}
    page = render(document, {**FACTS, "effects": [far]})
    assert row_of(page, "far")[1] == "over 1000 (under 0.001 to over 1000)"
