import numpy as np
import pytest
from scipy.stats import norm

from model.audit.external.case_mix import case_mix, prognosis
from model.learning.fitting import fit_predictor
from model.saved.facts import model_facts
from tests.model.audit.known import cohort_of, constant_predictor
from tests.model.builders import exact_study, no_visits, outcomes


def facts_of(trained):
    facts = model_facts(trained.cohort, trained.predictor, trained.fits, seed=1, learner="linear")
    return {**facts, "prognosis": prognosis(trained.predictor, trained.cohort.histories)}


def patients(rng, n, *, mean=0.0, blank=0.0):
    """Patients with one baseline, x, who die the sooner the higher it is."""
    x = rng.normal(mean, 1.0, n)
    dies = rng.exponential(60 * np.exp(-x))
    ended = outcomes(np.minimum(dies, 48.0), dies < 48.0)
    return cohort_of(exact_study(), no_visits(np.where(rng.random(n) < blank, np.nan, x)), ended)


@pytest.fixture(scope="module")
def small():
    cohort = patients(np.random.default_rng(1), 1500)
    predictor, fits = fit_predictor(cohort.study, cohort.histories, cohort.outcomes, seed=1)
    facts = model_facts(cohort, predictor, fits, seed=1, learner="linear")
    return predictor, {**facts, "prognosis": prognosis(predictor, cohort.histories)}


def test_the_training_cohort_differs_from_itself_by_nothing(trained):
    found = case_mix(trained.predictor, facts_of(trained), trained.cohort)
    assert {row["source"] for row in found["inputs"]} == {
        item.name for items in (trained.cohort.study.baseline, trained.cohort.study.marker, trained.cohort.study.test)
        for item in items
    }  # fmt: skip
    for row in found["inputs"]:
        assert row["difference"] is None or abs(row["difference"]) < 1e-9
        assert row["missing_here"] == row["missing_trained"]
        assert not row["notable"]
    for row in found["prognosis"]:
        assert (row["difference"], row["spread"], row["why_not"]) == (0.0, 1.0, None)
    assert found["follow_up_months"]["here"] == found["follow_up_months"]["trained"]
    assert found["tell_apart"] == 0.5
    assert found["statement"][0].startswith("no input differs")


def test_a_shift_by_one_standard_deviation_is_found_as_such(small):
    found = case_mix(*small, patients(np.random.default_rng(2), 1500, mean=1.0))
    [row] = found["inputs"]
    # Two samples of 1,500: the difference of their means has standard error 0.037.
    assert row["difference"] == pytest.approx(1.0, abs=0.11)
    assert row["trained"]["sd"] == pytest.approx(1.0, abs=0.06)
    assert row["notable"] is True
    # Of two normals one standard deviation apart the higher of two draws is from the higher one in Phi(1 / sqrt 2).
    assert found["tell_apart"] == pytest.approx(norm.cdf(row["difference"] / np.sqrt(2)), abs=1e-3)
    assert found["statement"][0].endswith(f"standard deviations: x ({row['difference']:+.2f})")
    # The hazard is exp(x): the linear predictor moves as x does, and the spread stays.
    [risk] = found["prognosis"]
    assert risk["difference"] == pytest.approx(row["difference"], abs=0.05)
    assert risk["spread"] == pytest.approx(1.0, abs=0.08)


def test_a_cohort_of_the_same_kind_is_not_called_different(small):
    rng = np.random.default_rng(3)
    notable = [case_mix(*small, patients(rng, 300))["inputs"][0]["notable"] for _ in range(40)]
    # One chance in twenty each; more than 6 of 40 would happen once in a thousand.
    assert sum(notable) <= 6


def test_blanks_are_counted_and_hide_no_difference(small):
    [row] = case_mix(*small, patients(np.random.default_rng(4), 1500, mean=1.0, blank=0.5))["inputs"]
    assert row["missing_trained"] == 0
    assert row["missing_here"] == pytest.approx(0.5, abs=0.05)
    assert row["difference"] == pytest.approx(1.0, abs=0.2)


def test_an_input_that_nobody_has_is_not_compared(small):
    found = case_mix(*small, patients(np.random.default_rng(4), 40, blank=1.1))
    [row] = found["inputs"]
    assert (row["missing_here"], row["difference"], row["notable"]) == (1.0, None, None)
    assert found["tell_apart"] == 0.5


def test_the_linear_predictor_of_a_constant_hazard_is_its_logarithm():
    cohort = patients(np.random.default_rng(5), 30)
    [row] = prognosis(constant_predictor(cohort.study, [0.01]), cohort.histories)
    assert row["mean"] == pytest.approx(np.log(0.01 * 24))
    assert row["sd"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda facts: facts.pop("prognosis"), "the model does not say"),
        (lambda facts: facts.update(update={}), "the model was updated"),
        (lambda facts: facts["prognosis"][0].update(sd=0.0), None),
    ],
)
def test_without_the_training_risks_it_is_said_why_there_is_no_comparison(small, change, why):
    predictor, facts = small
    facts = {**facts, "prognosis": [dict(row) for row in facts["prognosis"]]}
    change(facts)
    [row] = case_mix(predictor, facts, patients(np.random.default_rng(6), 30))["prognosis"]
    assert row["spread"] is None
    assert (row["why_not"] is None) if why is None else row["why_not"].startswith(why)
