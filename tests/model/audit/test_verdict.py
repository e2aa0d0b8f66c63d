"""Documents made by hand, and what must be said of them."""

import pytest

from model.audit.verdict import LEVEL, verdict


def number(value, spread=0.05):
    return {"value": value, "low": value - spread, "high": value + spread}


def document(*, found=100, expected=100.0, slope=1.0, deaths=100, death_oe=1.0, subgroups=()):
    """A recurrence found by tests and death, each with its figures."""
    few = found < 10
    return {
        "events": [
            {"name": "recurrence", "label": "Recurrence", "observed": "test"},
            {"name": "death", "label": "Death", "observed": "exact"},
        ],
        "rules": {"supported_until": 48.0},
        "one_step": [
            {
                "event": "recurrence",
                "level": "all visits",
                "observed": found,
                "expected": expected,
                "ratio": None if few else number(found / expected, 0.2),
            },
        ],
        "one_step_calibration": [
            {"event": "recurrence", "slope": None if few else number(slope), "too_few": "too few" if few else None}
        ],
        "by_horizon": [
            {"event": "recurrence", "events": 500, "oe": number(9.0), "slope": number(9.0), "too_few": None},
            {"event": "death", "events": 20, "oe": number(9.0), "slope": number(9.0), "too_few": None},
            {"event": "death", "events": deaths, "oe": number(death_oe), "slope": number(1.02), "too_few": None},
            {"event": "death", "events": 900, "oe": None, "slope": None, "too_few": "too few still followed (2)"},
        ],
        "fairness": [
            {
                "event": "recurrence",
                "group": "centre",
                "label": "Centre",
                "level": level,
                "ratio": number(value),
                "too_few": None,
                "p_value": p,
                "p_adjusted": p,
            }
            for level, value, p in subgroups
        ],
    }


def questions(told):
    return [(flag["question"], flag["event"], flag["level"]) for flag in told["flags"]]


def test_right_figures_are_fit_and_pass_the_gate():
    told = verdict(document(subgroups=[("a", 1.3, 0.2)]))
    assert told["flags"] == []
    assert [row["passed"] for row in told["gate"]] == [True, True]
    assert [row["event"] for row in told["fit_for"]] == ["recurrence", "death"]
    assert told["comparisons"] == {"overall": 2, "slope": 2, "subgroup": 1}
    # What is found by tests is judged one step ahead, death where most are seen: not by the rows with a 9.
    assert told["gate"][0]["oe"]["value"] == told["gate"][1]["oe"]["value"] == 1
    # Nothing but what no model here is for.
    (beyond,) = told["not_for"]
    assert beyond["text"].startswith("moments after month 48")


def test_twice_as_many_as_expected_limits_the_use():
    told = verdict(document(found=200))
    assert questions(told) == [("overall", "recurrence", None)]
    assert told["flags"][0]["text"] == "Recurrence: 2.00 (1.80 to 2.20) times as many observed as predicted"
    assert [row["event"] for row in told["fit_for"]] == ["death"]
    assert told["not_for"][0]["event"] == "recurrence"
    assert (told["gate"][0]["oe_within"], told["gate"][0]["passed"]) == (False, False)


def test_a_small_deviation_of_many_is_flagged_and_limits_nothing():
    told = verdict(document(found=10_700, expected=10_000.0))
    assert questions(told) == [("overall", "recurrence", None)]
    assert not told["flags"][0]["limits_use"]
    assert told["flags"][0]["text"].endswith("a small deviation")
    assert [row["event"] for row in told["fit_for"]] == ["recurrence", "death"]
    assert told["gate"][0]["passed"]


def test_a_slope_away_from_one_is_flagged_and_fails_the_gate():
    told = verdict(document(slope=0.6))
    assert questions(told) == [("slope", "recurrence", None)]
    assert "too high where high" in told["flags"][0]["text"]
    assert (told["gate"][0]["oe_within"], told["gate"][0]["slope_covers_1"]) == (True, False)
    assert [row["event"] for row in told["fit_for"]] == ["death"]


def test_a_subgroup_is_named_and_does_not_condemn_the_rest():
    told = verdict(document(subgroups=[("a", 2.0, 0.001), ("b", 1.4, LEVEL / 2)]))
    assert questions(told) == [("subgroup", "recurrence", "a")]
    assert told["not_for"][0] == {
        "event": "recurrence",
        "group": "centre",
        "level": "a",
        "text": "Recurrence: where Centre is a, 2.00 (1.95 to 2.05) times as many observed as predicted",
    }
    assert "off by more than chance in 1 of 2 groups" in told["fit_for"][0]["text"]


def test_a_wide_interval_is_no_proof_of_fit():
    sure, unsure = (verdict(document(expected=expected))["fit_for"][0]["text"] for expected in (100.0, 115.0))
    assert sure.startswith("Recurrence: about as many observed as predicted (observed/predicted 1.00 (0.80 to 1.20)")
    assert unsure.startswith("Recurrence: not shown to be off, though events are few")


def test_too_little_is_said_and_not_judged():
    told = verdict(document(found=9, expected=90.0))
    assert told["flags"] == []
    assert [row["event"] for row in told["fit_for"]] == ["death"]
    assert told["not_for"][0]["text"] == "Recurrence: not judged, too few events (9)"
    assert told["gate"][0]["passed"] is None


@pytest.mark.parametrize(("deaths", "flagged"), [(40, False), (400, True)])
def test_more_events_make_the_same_ratio_surprising(deaths, flagged):
    assert bool(verdict(document(deaths=deaths, death_oe=1.2))["flags"]) is flagged
