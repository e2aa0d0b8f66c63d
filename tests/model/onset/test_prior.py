import numpy as np
import pytest

from model.features import feature_list
from model.learning.fitting import training_data
from model.onset.hazard import Parameters, log_hazard
from model.onset.pace import PaceRule
from model.onset.prior import (
    BASELINE,
    KNOWN,
    LEVEL_SD,
    MARKER,
    TIME_SD,
    UNKNOWN_SD,
    UNKNOWN_WEIGHT,
    HazardPrior,
    hazard_prior,
    with_learned_widths,
)
from model.study.file import parse_study
from tests.model.builders import exact_study, no_visits, outcomes

ABOUT = {"events": 7.0, "exposure": 1000.0}


def prior_of(trained, cause, study=None):
    predictor = trained.predictor
    return hazard_prior(study or predictor.study, predictor.features, predictor.scaling, cause=cause, **ABOUT)


@pytest.mark.parametrize(("cause", "by_ten_years"), [(1, 0.020), (2, 0.036), (3, 0.022)])
def test_the_reference_patient_has_the_published_cumulative_hazard(trained, cause, by_ten_years):
    # Two roads: the study file's figure (12 mm, Ki-67 1 %, R0, ...), and the prior's mean integrated month by month
    # for somebody with those values, whatever the scores of the training cohort.
    predictor, prior = trained.predictor, prior_of(trained, cause)
    scores = np.zeros((1, predictor.scaling.n_scores))
    reference = predictor.scaling.reference_scores(predictor.study, predictor.features)
    scores[0, : len(reference)] = reference
    n_scores = prior.n_scores
    mean = Parameters(
        np.full(len(predictor.grid.fade), prior.level),
        np.array([prior.clock]),
        prior.mean[:n_scores],
        prior.mean[n_scores:],
    )
    edge = np.arange(121.0)
    rate = np.exp(
        log_hazard(mean, scores, predictor.fading, predictor.grid, landmark_month=np.zeros(1), past_edge=edge)
    )
    assert rate.sum() == pytest.approx(by_ten_years, rel=0.01)
    # t^0.6: two thirds of the hazard of ten years are over after half of them.
    assert rate[0, :60].sum() / rate.sum() == pytest.approx(0.5**0.6, rel=0.01)


def test_twice_the_reference_ki67_is_the_published_ratio(trained):
    # Distant: log hazard ratio 1 per ln unit of Ki-67, so a hazard 2 times as high.
    predictor, prior = trained.predictor, prior_of(trained, 3)
    at = [feature.name for feature in predictor.features].index("ki67_percent")
    assert prior.mean[at] * np.log(2.0) / predictor.scaling.scale[at] == pytest.approx(np.log(2.0))
    assert prior.sd[at] / predictor.scaling.scale[at] == pytest.approx(0.5)


def test_without_what_is_published_there_is_half_an_event_more_than_seen_and_no_effect(trained):
    prior = prior_of(trained, 1, trained.predictor.study.without_priors())
    assert prior.level == pytest.approx(np.log(7.5 / 1000))
    assert (prior.level_sd, prior.clock, prior.clock_sd) == (LEVEL_SD, 0.0, TIME_SD)
    assert (prior.mean == 0).all()
    time = np.array([feature.what == "time" for feature in trained.predictor.features])
    assert (prior.sd[: len(time)][time] == TIME_SD).all()
    of_unknown = prior.sd[prior.unknown != KNOWN]
    assert np.sqrt((of_unknown**2).sum()) == pytest.approx(UNKNOWN_SD)  # all together
    assert len(set(of_unknown)) == 1


def test_without_what_is_published_no_effect_enters_by_the_pace_either(trained):
    # A blank Ki-67 shifts the pace by its published effect on the hazard; without priors there is none to shift it.
    study, scaling = trained.predictor.study, trained.predictor.scaling
    assert study.has_priors
    assert not study.without_priors().has_priors
    assert PaceRule.of(study, 3, scaling).effect.any()
    assert not PaceRule.of(study.without_priors(), 3, scaling).effect.any()


def test_years_of_a_prior_are_twelve_months():
    # Cumulative hazard 0.3 by year 2, power 1: 0.3 / 24 a month whenever; the same file in months says 24.
    levels = []
    for unit, by, until in (("years", 2.0, 2.0), ("months", 24.0, 24.0)):
        text = (
            f'name = "s"\ntitle = "S"\ntime_unit = "{unit}"\nlandmark_every = {until / 2}\nlandmark_until = {until}\n'
            f'horizons = [{until}]\n[[event]]\nname = "death"\nrole = "target"\nobserved = "exact"\n'
            f'[event.prior]\ncumulative_hazard = 0.3\nby = {by}\nlog_sd = 0.5\nsource = "x"\n'
            '[[baseline]]\nname = "x"\nkind = "number"\ngroup = "imaging"\n'
        )
        study = parse_study(text, file="s.toml")
        died = outcomes(np.linspace(1.0, 60.0, 100), np.ones(100))
        data = training_data(study, no_visits(np.arange(100.0)), died)
        prior = hazard_prior(study, feature_list(study), data.scaling, cause=1, **ABOUT)
        levels.append(np.exp(prior.level))
    assert levels == pytest.approx([0.3 / 24, 0.3 / 24])


EACH = UNKNOWN_SD / np.sqrt(3)  # three unknown effects share what is believed of all


def plain_prior(unknown):
    """Two scores about which nothing is published, one that is known, and a fading part of a marker."""
    sd = np.array([EACH, EACH, 0.4, EACH])
    return HazardPrior(-4.0, 1.0, 0.0, 1.0, np.zeros(4), sd, 3, unknown)


def test_data_that_say_nothing_leave_the_unknown_widths_alone():
    # Then each effect has its prior's variance, and none lies off.
    prior = plain_prior(np.array([BASELINE, BASELINE, KNOWN, MARKER]))
    same = with_learned_widths(prior, np.zeros(4), prior.sd**2)
    assert same.sd == pytest.approx(prior.sd)


def test_effects_found_far_off_widen_what_is_believed_of_their_group_only():
    # Two effects of 0.5 and -0.3, each known to 0.1: (0.25 + 0.09 + 0.02 + weight 0.5^2 / 3) / (2 + weight).
    prior = plain_prior(np.array([BASELINE, BASELINE, KNOWN, MARKER]))
    wider = with_learned_widths(prior, np.array([0.5, -0.3, 9.0, 0.0]), np.array([0.01, 0.01, 1.0, 0.25 / 3]))
    variance = (0.36 + UNKNOWN_WEIGHT * 0.25 / 3) / (2 + UNKNOWN_WEIGHT)
    assert wider.sd[:2] == pytest.approx(np.full(2, np.sqrt(variance)))
    assert wider.sd[2:] == pytest.approx([0.4, EACH])


def test_a_column_in_which_nobody_differs_teaches_no_width():
    # x is 1 for all: its effect is as unknown after the data as before and would only hold the others' width in place.
    ended = outcomes(np.linspace(1.0, 60.0, 100), np.ones(100))
    for x, group in ((np.ones(100), KNOWN), (np.arange(100.0), BASELINE)):
        data = training_data(exact_study(), no_visits(x), ended)
        prior = hazard_prior(exact_study(), feature_list(exact_study()), data.scaling, cause=1, **ABOUT)
        assert prior.unknown[0] == group
