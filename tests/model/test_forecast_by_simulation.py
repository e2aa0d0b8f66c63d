"""One patient's forecast, and the same patient lived through many times."""

from dataclasses import replace

import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from model.onset.growth import sensitivity_at
from model.predictor import CauseModel
from model.types import NEGATIVE, NOT_DONE, Histories
from tests.model.builders import growing
from tests.model.traps.cohorts import drawn, study_of_three

N = 300_000
NOW = 21.5
PAST = {"recurrence": 0.012, "spread": 0.006}
TO_COME = {"recurrence": 0.009, "spread": 0.012, "death": 0.004}
LEAD = {"recurrence": 10.0, "spread": 25.0}
# Both tests at month 7, ct at 13, mri at 19: all clean. ct sees the recurrence, mri sees both.
VISITS = {"ct": (7.0, 13.0), "mri": (7.0, 19.0)}
KI67 = 4.0


@pytest.fixture(scope="module")
def study():
    study = study_of_three()
    events = [
        growing(event, lead=LEAD[event.name], pace_log_sd=0.5).model_copy(update={"pace": {"ki67": 0.5}})
        if event.observed == "test"
        else event
        for event in study.event
    ]
    ki67 = study.baseline[1].model_copy(update={"reference": 1.0})
    return study.model_copy(update={"event": tuple(events), "baseline": (study.baseline[0], ki67, *study.baseline[2:])})


@pytest.fixture(scope="module")
def forecast(study):
    """With constant hazards instead of fitted ones: each is the same for everybody, before NOW and after."""
    predictor, _ = fit_predictor(study, *drawn(np.random.default_rng(5), 200), seed=1)
    causes = []
    for event, cause in zip(study.event, predictor.causes, strict=True):
        hazard = constant(cause.hazard, TO_COME[event.name])
        past = constant(cause.past, PAST[event.name]) if cause.past else None
        causes.append(CauseModel(hazard, past, cause.n_events))
    month = np.array([[7.0, 13.0, 19.0]])
    result = np.full((1, 3, 2), NOT_DONE, dtype=np.int8)
    for column, test in enumerate(study.test):
        result[0, np.isin(month[0], VISITS[test.name]), column] = NEGATIVE
    patient = Histories(np.array([[60.0, KI67, 0.0, 0.0, 0.0, 0.0]]), month, np.full((1, 3, 1), np.nan), result)
    return replace(predictor, causes=tuple(causes)).predict(patient, np.array([NOW]))


def constant(fitted, rate):
    best = fitted.best
    flat = replace(best, shape=0 * best.shape + np.log(rate), clock=0 * best.clock, steady=0 * best.steady)
    return replace(fitted, best=replace(flat, wearing_off=0 * best.wearing_off))


@pytest.fixture(scope="module")
def lives(study):
    """Moments of onset and death, counted from NOW, of those in whom every test was clean."""
    rng = np.random.default_rng(9)
    onset, clean = [], np.ones(N, dtype=bool)
    for event in study.event:
        if event.observed == "exact":
            onset.append(rng.exponential(1 / TO_COME[event.name], N))
            continue
        begun = rng.exponential(1 / PAST[event.name], N)
        begun = np.where(begun < NOW, begun, NOW + rng.exponential(1 / TO_COME[event.name], N))
        pace = KI67**0.5 * np.exp(0.5 * rng.standard_normal(N))
        for test in study.test:
            for month in VISITS[test.name] if event.name in test.sees else ():
                since_onset = (month - begun) * pace - event.lead
                chance = sensitivity_at(test.sees[event.name], since_onset, months_per_unit=1.0, lead_months=event.lead)
                clean &= rng.random(N) >= chance
        onset.append(begun + event.lead / pace - NOW)
    return np.array(onset)[:, clean]


def agree(ours, lived):
    """Within three standard errors of the simulation."""
    return (np.abs(ours - lived.mean(axis=-1)) <= 3 * lived.std(axis=-1) / np.sqrt(lived.shape[-1])).all()


def test_what_is_there_unseen(forecast, lives):
    first = lives.argmin(axis=0)
    there = (first == np.arange(3)[:, None]) & (lives <= 0)
    assert agree(forecast.unseen[0], there)


@pytest.mark.parametrize("horizon", [6.0, 12.0, 24.0])
def test_what_comes_first_by_then(forecast, lives, horizon):
    first = lives.argmin(axis=0)
    came = (first == np.arange(3)[:, None]) & (lives <= horizon)
    assert agree(forecast.at(horizon)[0], came)
