import copy
import itertools
import re

import numpy as np
import pytest

from model.audit.report import render
from model.audit.summary import verdict
from tests.model.audit.pages import FACTS, Outline, example_document, example_page


@pytest.fixture(scope="module")
def document():
    return example_document()


@pytest.fixture(scope="module")
def page():
    return example_page()


def test_the_page_is_the_same_bytes_every_time(document, page):
    assert page == render(copy.deepcopy(document), FACTS)


def test_the_page_stands_alone(page):
    outline = Outline(page)
    assert not outline.open
    assert {tag for tag, _ in outline.tags}.isdisjoint({"script", "link", "img", "iframe", "base"})
    targets = [v for _, attributes in outline.tags for k, v in attributes.items() if k in ("href", "src", "xlink:href")]
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert {target.removeprefix("#") for target in targets} <= set(ids)
    assert len(ids) == len(set(ids))
    assert "url(http" not in page
    assert "@import" not in page


def test_no_number_is_missing_without_a_word(document, page):
    body = page.split("<body>")[1].split('<section aria-labelledby="definitions">')[0]
    assert not re.search(r"\b(nan|None|inf|Undefined)\b", body)
    assert any(row["too_few"] for row in document["by_horizon"])
    for row in document["by_horizon"]:
        assert (row["too_few"] or f"{row['oe']['value']:.2f} (") in page


def test_tables_and_figures_can_be_heard(document, page):
    outline = Outline(page)
    tables, figures = outline.all("table"), outline.all("svg")
    assert len(outline.all("caption")) == len(tables) > 4
    assert all("scope" in attributes for attributes in outline.all("th"))
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in figures)
    assert len(figures) == 2 * 3  # of each event: calibration, net benefit and its groups
    labels = [attributes["aria-label"] for tag, attributes in outline.tags if attributes.get("role") == "region"]
    assert len(labels) == len(set(labels)) == len(tables)
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_text_from_outside_is_shown_and_not_obeyed(page):
    assert "Made &lt;b&gt;up&lt;/b&gt;" in page
    assert "Made <b>up</b>" not in page
    assert "Drawn &amp; kept" in page


def test_what_the_data_are_is_said_first(document):
    start = {kind: render(document, {**FACTS, "synthetic": kind}).split("<main>")[0] for kind in (True, False, None)}
    assert "Synthetic training data: not for decisions about real patients" in start[True]
    assert "Synthetic" not in start[False] + start[None]
    assert "not stated" in start[None]
    assert all("Decision support, not a medical device" in text for text in start.values())


LEARNERS = [
    {
        "name": name,
        "label": label,
        "n_parameters": parameters,
        "log_likelihood": -1234.56,
        "per_patient": {"value": -0.1234, "standard_error": 0.0021},
        "difference_to_best": {"value": difference, "standard_error": 0.0009},
        "chosen": chosen,
    }
    for name, label, parameters, difference, chosen in [
        ("smooth", "Smooth <hazards>", 12, -0.0003, True),
        ("trees", "Trees", 340, 0.0, False),
    ]
]


def test_learners_are_shown_with_the_rule_and_only_if_there_are_any(document):
    assert "Which learner" not in render(document, FACTS)
    page = render({**document, "learners": LEARNERS}, FACTS)
    assert "the simplest within one standard error of the best is chosen" in page
    row = page.split('<tr><th scope="row">Smooth &lt;hazards&gt;</th>')[1].split("</tr>")[0]
    shown = re.findall(r"<td>(.*?)</td>", row)
    assert shown == ["12", "\u22121234.6", "\u22120.1234 (se\u00a00.0021)", "\u22120.0003 (se\u00a00.0009)", "yes"]
    assert not Outline(page).open


def effect(name, event, estimate, prior=None, weight=0.0):
    return {
        "event": event,
        "input": name,
        "per": "1 mm",
        "estimate": estimate,
        "low": estimate - 0.2,
        "high": estimate + 0.2,
        "prior": prior,
        "prior_weight": weight,
    }


def test_effects_are_hazard_ratios_strongest_first_under_their_own_event(document):
    # exp(ln 2) = 2; the published interval is exp(ln 2 -+ 1.96 x 0.5) = 0.75 to 5.33.
    prior = {"mean": np.log(2), "sd": 0.5, "source": "a & b"}
    effects = [
        effect("weak", "recurrence", 0.1),
        effect("other", "death", 3.0),
        effect("strong", "recurrence", -np.log(2), prior, 0.25),
    ]
    page = render(document, {**FACTS, "effects": effects})
    recurrence, death = page.split('<h2 id="event-')[1:3]
    assert recurrence.index(">strong<") < recurrence.index(">weak<")
    assert ">other<" not in recurrence
    assert ">other<" in death
    row = recurrence.split(">strong</th>")[1].split("</tr>")[0]
    assert re.findall(r"<td.*?>(.*?)</td>", row) == [
        "1 mm",
        "0.50 (0.41&nbsp;to&nbsp;0.61)",
        "2.00 (0.75&nbsp;to&nbsp;5.33)",
        "25.0\u00a0%",
        "a &amp; b",
    ]
    assert "nothing published is used" in recurrence
    assert "What moves the risk" not in render(document, FACTS)
    assert not Outline(page).open


def test_what_markers_say_of_what_has_begun_is_shown_under_its_event(document):
    row = {"event": "recurrence", "marker": "a < b", "what": "last", "stage": "past onset", "sd": 0.4}
    row["odds_ratio"] = {"value": 2.5, "low": 1.25, "high": 5.0}
    page = render(document, {**FACTS, "presence": [row]})
    recurrence, death = page.split('<h2 id="event-')[1:3]
    shown = recurrence.split(">a &lt; b</th>")[1].split("</tr>")[0]
    assert re.findall(r"<td.*?>(.*?)</td>", shown) == [
        "last value, 1 SD above the usual",
        "past onset",
        "2.50 (1.25\u00a0to\u00a05.00)",
    ]
    assert "a &lt; b" not in death
    assert "what has begun already" not in render(document, FACTS)
    assert not Outline(page).open


def test_every_simpler_model_is_shown_by_name(document):
    page = render(document, FACTS)
    names = {"aalen_johansen": "No covariates", "landmark_cox": "Cox", "prior_alone": "Prior alone"}
    for name, label in names.items():
        shown = sum(row["name"] == name for row in document["baselines"])
        assert page.count(f'<td class="name">{label}</td>') == shown > 0
    assert "nothing learned from these patients" in page
    assert "nothing learned from these patients" not in render(
        {**document, "baselines": [row for row in document["baselines"] if row["name"] != "prior_alone"]}, FACTS
    )


def test_net_benefit_is_shown_per_thousand_and_strata_only_where_there_are_any(document):
    page = render(document, FACTS)
    assert "Published strata" not in page.split('<h2 id="definitions">')[0]
    first = next(row for row in document["decision_curve"] if row["event"] == "death")
    shown = [f"<td>{1000 * first[key]:.1f}</td>" for key in ("model", "all", "none")]
    assert "".join(shown).replace("-", "\u2212") in page.split('<h2 id="event-death">')[1]
    strata = [{"column": "x", "label": "Size", "cuts": [10.0], "source": None}]
    named = {**document, "rules": {**document["rules"], "strata": strata}}
    assert "<td>unknown</td>" in render(named, FACTS)


def figures(low, high, auc=0.6, ipa=0.01):
    return {
        "landmark": 12.0,
        "horizon": 24.0,
        "too_few": None,
        "oe": {"value": (low + high) / 2, "low": low, "high": high},
        "auc": {"value": auc + 0.1, "low": auc, "high": 0.9},
        "ipa": {"value": ipa + 0.1, "low": ipa, "high": 0.9},
    }


def test_the_answer_is_what_the_numbers_say():
    few = {"landmark": 36.0, "horizon": 24.0, "too_few": "too few events (7)"}
    said = verdict("Death", [figures(0.8, 1.2), figures(1.1, 1.5, auc=0.4), few], by_test=False)
    assert said.answer == (
        "Death: predicted and observed numbers agree within their uncertainty in 1 of 2 comparisons "
        "(observed/expected: all intervals lie between 0.80 and 1.50); patients who came to have it had been given "
        "higher risks than the others, more than by chance, in 1 of 2 comparisons; single probabilities beat one "
        "number for everyone in all 2 comparisons."
    )
    assert said.off == ("month 12 + 24 (1.30 times as many as predicted)",)
    assert said.unjudged == ("month 36 + 24 (too few events (7))",)


def test_nothing_good_is_said_without_events():
    few = {"landmark": 0.0, "horizon": 12.0, "too_few": "too few events (0)"}
    said = verdict("Local", [few], by_test=True)
    assert said.answer == "Local: not judged, there is too little to judge it by."
