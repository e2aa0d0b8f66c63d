from dataclasses import replace

import numpy as np
import pytest
from joblib import parallel_config
from scipy.optimize import brentq

from model.learning.fitting import fit_predictor
from model.learning.laid_out import LaidOut
from model.learning.split import patient_folds
from model.learning.updating import method_for, update_predictor, update_without_folds
from model.onset.hazard import Parameters
from model.predictor import Fitted
from tests.model.builders import exact_study, no_visits, outcomes, study_by_test, surveilled

HAZARD = 0.02


def deaths(rng, n, *, hazard=HAZARD, effect=0.0, until=48.0):
    """Patients with x ~ N(0, 1) who die with hazard * exp(effect x), followed until a month."""
    x = rng.standard_normal(n)
    month = rng.exponential(1 / (hazard * np.exp(effect * x)))
    return no_visits(x), outcomes(np.minimum(month, until), (month < until).astype(int))


def fitted(study, cohort):
    return fit_predictor(study, *cohort, seed=1)[0]


def laid_out(predictor, cohort):
    return LaidOut.of(predictor, *cohort[:2])


def with_constant_hazard(fit, hazard):
    """The same everywhere and always."""
    none = Parameters(*(np.zeros_like(part) for part in vars(fit.best).values()))
    best = replace(none, shape=np.full_like(none.shape, np.log(hazard)))
    return Fitted(best, fit.draws)


@pytest.fixture(scope="module")
def by_test():
    """Fitted where onsets come with hazard HAZARD, half a year between scans that find 7 in 10."""
    rng = np.random.default_rng(1)
    cohort = surveilled(rng, 2000, hazard=HAZARD, every=6.0, sensitivity=0.7, until=48.0)[:2]
    return fitted(study_by_test(start=0.7, best=0.7), cohort)


@pytest.fixture(scope="module")
def exact():
    return fitted(exact_study(), deaths(np.random.default_rng(2), 2000, effect=1.0))


@pytest.mark.parametrize(
    ("n_events", "method"),
    [(0, "kept"), (9, "kept"), (10, "intercept"), (49, "intercept"), (50, "slope"), (99, "slope"), (100, "refit")],
)
def test_more_events_allow_more(n_events, method):
    assert method_for(n_events) == method


def test_a_doubled_hazard_of_what_tests_find_is_a_shift_by_log_two(rng, by_test):
    # Yearly scans that miss 3 in 10: by the days of finding, the hazard would seem less than doubled.
    histories, found, onset = surveilled(rng, 1500, hazard=2 * HAZARD, every=12.0, sensitivity=0.7, until=48.0)
    new, updates = update_predictor(by_test, laid_out(by_test, (histories, found)), seed=1, methods=["intercept"] * 2)
    for moved in (updates[0].past, updates[0].hazard):
        assert moved.converged
        error = np.sqrt(moved.covariance[0, 0])
        assert error < 0.05
        assert moved.amount[0] == pytest.approx(np.log(2), abs=3 * error)
    here = no_visits(np.zeros(1), n_tests=2)
    assert new.predict(here, np.zeros(1)).at(24)[0, 0] == pytest.approx(np.mean(onset <= 24), rel=0.08)
    assert by_test.predict(here, np.zeros(1)).at(24)[0, 0] < 0.7 * np.mean(onset <= 24)


def test_the_shift_makes_expected_events_the_observed(rng, exact):
    patients = laid_out(exact, deaths(rng, 400, hazard=2 * HAZARD, effect=1.0))
    (update,) = update_predictor(exact, patients, seed=1, methods=["intercept"])[1]
    rows, best = patients.rows_of(1, None, around=0.0), exact.causes[0].hazard.best
    log_rate = rows.scores @ best.steady
    expected = np.sum(rows.exposure * np.exp(log_rate[:, None] + best.shape + best.clock * rows.clock))
    # The vague prior, sd 2, takes its bit: observed - expected e^shift = shift / 4.
    shift = brentq(lambda a: rows.events.sum() - expected * np.exp(a) - a / 4, -3, 3)
    assert update.hazard.amount[0] == pytest.approx(shift, abs=1e-6)
    assert shift == pytest.approx(np.log(2), abs=0.15)
    assert update.n_events == (patients.data.outcomes.cause == 1).sum()


def test_effects_that_are_weaker_at_the_site_are_a_slope_below_one(rng, exact):
    patients = laid_out(exact, deaths(rng, 1500, effect=0.6))
    (update,) = update_predictor(exact, patients, seed=1, methods=["slope"])[1]
    error = np.sqrt(update.hazard.covariance[1, 1])
    assert error < 0.06
    assert 1 + update.hazard.amount[1] == pytest.approx(0.6, abs=3 * error)


def test_the_slope_leaves_time_alone_and_stretches_all_else_alike(rng, exact):
    new = update_predictor(exact, laid_out(exact, deaths(rng, 500, effect=0.6)), seed=1, methods=["slope"])[0]
    before, after = exact.causes[0].hazard.best, new.causes[0].hazard.best
    assert after.clock == before.clock
    timed = [feature.what == "time" for feature in exact.features]
    ratio = after.steady / before.steady
    np.testing.assert_allclose(ratio[timed], 1)
    np.testing.assert_allclose(ratio[~np.array(timed)], ratio[0])
    assert np.ptp(after.shape - before.shape) == pytest.approx(0)


def test_a_refit_goes_as_far_towards_the_site_as_its_information_goes(rng, exact):
    # Two roads: the re-fit, and the mean of the old effect and the site's own weighted by what each knows. They agree
    # as far as the likelihood is quadratic and the effect has little to do with time.
    patients = laid_out(exact, deaths(rng, 60, effect=0.2))
    new = update_predictor(exact, patients, seed=1, methods=["refit"])[0]
    place = len(exact.grid.fade) + 1  # after the shape and the clock
    before, after = (each.causes[0].hazard.best.pack()[place] for each in (exact, new))
    rows, best = patients.rows_of(1, None, around=0.0), exact.causes[0].hazard.best
    free = np.column_stack([np.ones(len(rows.scores)), rows.scores[:, 0]])  # the level, and the effect of x
    known = (rows.scores[:, 1:] @ best.steady[1:])[:, None] + best.shape + best.clock * rows.clock
    at = np.array([0.0, before])
    for _ in range(20):
        expected = (rows.exposure * np.exp(known + (free @ at)[:, None])).sum(axis=1)
        information = free.T @ (expected[:, None] * free)
        at = at + np.linalg.solve(information, free.T @ (rows.events.sum(axis=1) - expected))
    alone, error = at[1], np.linalg.inv(information)[1, 1]
    old_variance = exact.causes[0].hazard.draws.steady[:, 0].var(ddof=1)
    # Between sites the effect differs by the slope's spread and by its part of all other differences.
    variance = old_variance + (0.2 * before) ** 2 + 0.3**2 / (len(best.pack()) - len(best.shape))
    share = variance / (variance + error)
    assert 0.3 < share < 0.8
    assert (after - before) / (alone - before) == pytest.approx(share, abs=0.08)


def test_without_events_nothing_changes(rng, exact):
    histories, found = deaths(rng, 50)
    alive = outcomes(found.exit_month, np.zeros(50))
    for methods in (None, ["refit"]):
        new, (update,) = update_predictor(exact, laid_out(exact, (histories, alive)), seed=1, methods=methods)
        assert new.causes == exact.causes
        assert (update.method, update.n_events, update.hazard) == ("kept", 0, None)


def test_what_the_site_settles_is_no_longer_uncertain(rng):
    # Trained on some 120 deaths, shifted by some 1000: the level is as certain as 1000 deaths make it.
    old = fitted(exact_study(), deaths(rng, 200))
    patients = laid_out(old, deaths(rng, 1600))
    new, (update,) = update_predictor(old, patients, seed=1, methods=["intercept"])

    def spread(predictor):
        rows, draws = patients.rows_of(1, None, around=0.0), predictor.causes[0].hazard.draws
        linear = rows.scores @ draws.steady.T
        rate = np.exp(linear[:, None] + draws.shape.T + rows.clock[:, :, None] * draws.clock[:, 0])
        return np.log((rows.exposure[:, :, None] * rate).sum(axis=(0, 1))).std()

    assert update.n_events > 900
    assert spread(old) > 0.07
    assert spread(new) == pytest.approx(update.n_events**-0.5, rel=0.35)


def test_some_of_the_patients_are_as_if_they_alone_had_been_laid_out(rng, by_test):
    histories, found, _ = surveilled(rng, 120, hazard=HAZARD, every=6.0, sensitivity=0.7, until=48.0)
    kept = rng.random(120) < 0.6
    some = laid_out(by_test, (histories, found)).select(kept)
    alone = laid_out(by_test, (histories.select(kept), found.select(kept)))
    np.testing.assert_allclose(some.log_likelihoods(by_test), alone.log_likelihoods(by_test))
    roads = [update_predictor(by_test, each, seed=1, methods=["slope"] * 2)[1] for each in (some, alone)]
    for one, other in zip(*roads, strict=True):
        assert one.n_events == other.n_events
        if one.hazard is not None:
            np.testing.assert_allclose(one.hazard.amount, other.hazard.amount)


def test_folds_are_updated_without_their_own_patients(rng, exact):
    cohort = deaths(rng, 100)
    patients = laid_out(exact, cohort)
    fold = patient_folds(cohort[1].cause, n_folds=3, rng=rng)
    _, whole = update_predictor(exact, patients, seed=1, methods=["intercept"])
    with parallel_config(backend="threading"):  # Processes would take longer to start than the test to run.
        held_out = update_without_folds(exact, patients, fold, whole, seed=1, jobs=2)
    first = update_predictor(exact, patients.select(fold != 0), seed=1, methods=["intercept"])[0]
    assert len(held_out) == 3
    # From the whole's result or from the old model, the climb ends at the same top.
    np.testing.assert_allclose(held_out[0].causes[0].hazard.best.pack(), first.causes[0].hazard.best.pack(), atol=1e-9)
    assert held_out[1].causes[0].hazard.best.shape[0] != first.causes[0].hazard.best.shape[0]


def test_what_is_left_out_where_folds_are_judged_is_not_judged(rng, by_test):
    histories, found, _ = surveilled(rng, 200, hazard=2 * HAZARD, every=6.0, sensitivity=0.7, until=48.0)
    patients, fold = laid_out(by_test, (histories, found)), np.arange(200) % 2
    _, whole = update_predictor(by_test, patients, seed=1, methods=["slope"] * 2)
    with parallel_config(backend="threading"):
        quick = update_without_folds(by_test, patients, fold, whole, seed=1, jobs=1)[0]
    full, _ = update_predictor(by_test, patients.select(fold != 0), seed=1, methods=["slope"] * 2)
    judged = patients.select(fold == 0)
    np.testing.assert_allclose(judged.log_likelihoods(quick), judged.log_likelihoods(full), atol=1e-4)
    assert np.abs(judged.log_likelihoods(quick) - judged.log_likelihoods(by_test)).max() > 0.01


def test_the_log_likelihood_of_test_results_by_hand():
    # Perfect scans at 6 and 12, hazard 0.02: found at 12 lies between; both negative is free until then.
    study = study_by_test()
    rng = np.random.default_rng(3)
    histories, found, _ = surveilled(rng, 100, hazard=HAZARD, every=6.0, sensitivity=1.0, until=12.0)
    old = fitted(study, (histories, found))
    causes = (replace(old.causes[0], past=with_constant_hazard(old.causes[0].past, HAZARD)), old.causes[1])
    log_likelihood = laid_out(old, (histories, found)).log_likelihoods(replace(old, causes=causes))[:, 0]
    by_hand = {
        (6.0, 1): np.log(1 - np.exp(-0.12)),
        (12.0, 1): np.log(np.exp(-0.12) - np.exp(-0.24)),
        (12.0, 0): -0.24,
    }
    met = set(zip(found.exit_month, found.cause, strict=True))
    assert met == set(by_hand)
    expected = [by_hand[how] for how in zip(found.exit_month, found.cause, strict=True)]
    np.testing.assert_allclose(log_likelihood, expected, atol=1e-9)


def test_the_log_likelihood_of_known_times_by_hand():
    # One landmark: a death at 10 has log 0.02 - 0.02 x 10, a patient alive at 20 has -0.02 x 20.
    old = fitted(exact_study(until=0.0), deaths(np.random.default_rng(4), 50))
    causes = (replace(old.causes[0], hazard=with_constant_hazard(old.causes[0].hazard, HAZARD)),)
    cohort = no_visits(np.zeros(2)), outcomes(np.array([10.0, 20.0]), np.array([1, 0]))
    log_likelihood = laid_out(old, cohort).log_likelihoods(replace(old, causes=causes))
    np.testing.assert_allclose(log_likelihood[:, 0], [np.log(0.02) - 0.2, -0.4])
