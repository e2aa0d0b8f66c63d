from dataclasses import replace

import numpy as np
import pytest

from model.features import feature_list
from model.learning.fitting import training_data
from model.onset import likelihood
from model.onset.hazard import Parameters, clock_between
from model.onset.likelihood import _short_step, _TooFarError, maximise, past_hazard, patient_scores
from model.onset.poisson import penalty
from model.onset.posterior import onset_posterior
from model.onset.prior import hazard_prior
from model.onset.training import rough_count, watch
from tests.model.builders import growing
from tests.model.traps.cohorts import drawn, study_of_three


def watched_cohort(n):
    """What surveillance of a cohort showed of its first cause, which has a lead, and the penalty of its hazard."""
    study = study_of_three()
    study = study.model_copy(update={"event": (growing(study.event[0]), *study.event[1:])})
    data = training_data(study, *drawn(np.random.default_rng(3), n))
    events, exposure = rough_count(data, 1)
    prior = hazard_prior(study, feature_list(study), data.scaling, cause=1, events=events, exposure=exposure)
    return watch(data, 1)[0], penalty(prior, n_bins=1, n_fading=0)


@pytest.fixture(scope="module")
def small():
    return watched_cohort(250)


def look(watched, vector):
    """Hazard and posterior at packed parameters."""
    parameters = Parameters.unpack(vector, n_bins=1, n_scores=watched.scores.shape[1], around=watched.around)
    hazard = past_hazard(parameters, watched.scores, watched.grid, watched.row_of())
    return hazard, onset_posterior(hazard, watched.results)


def height(watched, penalty, vector):
    away = vector - penalty.centre
    return look(watched, vector)[1].log_evidence.sum() - away @ penalty.precision @ away / 2


def em_step(watched, penalty, vector):
    """Where EM moves: the expected beginnings and months at risk of every bin, then a Poisson regression on them."""
    hazard, posterior = look(watched, vector)
    width = watched.results.width
    later = 1.0 - np.cumsum(posterior.beginning, axis=1)
    # Of those who begin within a bin, the months until they do: an exponential time cut off at the bin's width.
    in_bin = np.where(width > 0, hazard * width, 1.0)
    until = np.where(width > 0, 1 / hazard - width / np.expm1(in_bin), 0.0)
    exposure = width * later + posterior.beginning * until
    who, when = np.nonzero(width)
    row = watched.row_of()[who, watched.grid.latest_landmark[when]]
    clock, rest = clock_between(watched.grid.onset_edge[:-1], watched.grid.onset_edge[1:], watched.around)
    design = np.column_stack([np.ones(len(who)), clock[when], watched.scores[row]])
    events, months = posterior.beginning[who, when], exposure[who, when] * np.exp(rest[when])
    for _ in range(50):
        expected = months * np.exp(design @ vector)
        gradient = design.T @ (events - expected) - penalty.precision @ (vector - penalty.centre)
        step = np.linalg.solve((design * expected[:, None]).T @ design + penalty.precision, gradient)
        vector = vector + step
        if np.abs(step).max() < 1e-6:
            return vector
    raise AssertionError("Newton's method went astray")


@pytest.mark.parametrize("around", [0.0, -0.4])
def test_every_patients_score_is_the_slope_of_the_own_log_likelihood(small, rng, around):
    watched, believed = small
    watched = replace(watched, around=around)
    at = believed.centre + rng.normal(0, 0.3, len(believed.centre))
    scores = patient_scores(watched, *look(watched, at))
    for parameter, step in enumerate(np.eye(len(at)) * 1e-5):
        up, down = (look(watched, at + sign * step)[1].log_evidence for sign in (1, -1))
        assert scores[:, parameter] == pytest.approx((up - down) / 2e-5, abs=1e-6)


def test_at_the_maximum_an_em_step_stands_still(small):
    watched, believed = small
    fit = maximise(watched, believed)
    best = fit.parameters.pack()
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(look(watched, best)[1].log_evidence.sum())
    assert np.abs(em_step(watched, believed, best) - best).max() < 1e-3


def test_em_gets_to_the_same_place_in_more_steps(small):
    # 18 steps of EM from the prior, each with a regression inside, against 7 of the climb.
    watched, believed = small
    fit = maximise(watched, believed)
    vector, steps, moved = believed.centre, 0, 1.0
    while moved > 1e-4:
        better = em_step(watched, believed, vector)
        assert height(watched, believed, better) >= height(watched, believed, vector) - 1e-9  # EM's own promise
        moved, steps, vector = np.abs(better - vector).max(), steps + 1, better
    assert vector == pytest.approx(fit.parameters.pack(), abs=2e-3)
    assert steps > 2 * fit.iterations


def test_the_penalised_log_likelihood_never_falls_along_the_climb(small, monkeypatch):
    watched, believed = small
    whole = maximise(watched, believed)
    climbed = [height(watched, believed, believed.centre)]
    for steps in range(1, whole.iterations + 1):
        monkeypatch.setattr(likelihood, "MAX_ITERATIONS", steps)
        climbed.append(height(watched, believed, maximise(watched, believed).parameters.pack()))
    assert len(climbed) > 3
    assert np.diff(climbed).min() >= -1e-9
    assert climbed[-1] - climbed[0] > 1.0


def test_the_covariance_is_the_spread_of_the_scores_with_the_prior(small):
    watched, believed = small
    fit = maximise(watched, believed)
    scores = patient_scores(watched, *look(watched, fit.parameters.pack()))
    assert fit.covariance @ (scores.T @ scores + believed.precision) == pytest.approx(np.eye(len(scores.T)), abs=1e-8)
    # Data only ever sharpen what was believed.
    assert (np.diag(fit.covariance) <= np.diag(believed.precision) ** -1.0 + 1e-12).all()


def test_a_step_too_far_is_halved_until_it_helps():
    top = np.array([0.05, 0.0])

    def depth(step):
        if np.linalg.norm(step) > 0.3:
            raise _TooFarError
        return float(np.sum((step - top) ** 2)), 2 * (step - top)

    step = _short_step(depth, np.array([8.0, 0.0]))
    assert step.tolist() == [0.0625, 0.0]  # 1, 1/2, 1/4 and 1/8 are too far or no better
    assert not _short_step(depth, np.array([0.0, 1.0])).any()  # nothing helps that way
