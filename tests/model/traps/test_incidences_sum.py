"""Trap: cumulative incidences of separately modelled causes that sum past 1."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model.onset.hazard import Parameters
from model.onset.presence import Presence
from model.predictor import Fitted, FittedPresence
from tests.model.traps.cohorts import drawn, study_of_three


def random_study(rng):
    """The study of three causes with any lead, any spread of pace and any sensitivities."""
    study = study_of_three()
    events = [
        event.model_copy(update={"lead": rng.choice([0.0, rng.uniform(0, 40)]), "pace_log_sd": rng.uniform(0, 1.5)})
        if event.observed == "test"
        else event
        for event in study.event
    ]
    tests = []
    for test in study.test:
        sees = {}
        for name, sensitivity in test.sees.items():
            first, start, best = np.sort(rng.uniform(0.01, 1.0, 3))
            how = {"first": first, "start": start, "max": best, "half_time": rng.choice([0.0, rng.uniform(0, 30)])}
            sees[name] = sensitivity.model_copy(update=how)
        tests.append(test.model_copy(update={"sees": sees}))
    return study.model_copy(update={"event": tuple(events), "test": tuple(tests)})


N_FIRST = 7  # six baselines, of which the margin has two columns


def random_fit(rng, fitted, level):
    """Any parameters about this level, and three draws around them; None stays None."""
    if fitted is None:
        return None
    size = {"n_bins": len(fitted.best.shape), "n_scores": len(fitted.best.steady)}
    packed = rng.normal(0, 0.7, fitted.best.pack().shape)
    packed[: size["n_bins"]] += level
    draws = packed + rng.normal(0, 0.3, (3, len(packed)))
    return Fitted(Parameters.unpack(packed, **size), Parameters.unpack(draws, **size))


def random_presence(rng, fitted):
    """Markers that say anything, and three draws; None stays None."""
    if fitted is None:
        return None
    shape = fitted.best.effect.shape
    return FittedPresence(Presence(rng.normal(0, 1, shape)), Presence(rng.normal(0, 1, (3, *shape))))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), level=st.floats(-9, 1))
def test_whatever_the_study_and_the_hazards_the_causes_share_one_patient(predictor, seed, level):
    rng = np.random.default_rng(seed)
    causes = tuple(
        replace(
            cause,
            hazard=random_fit(rng, cause.hazard, level),
            past=random_fit(rng, cause.past, level),
            presence=random_presence(rng, cause.presence),
        )
        for cause in predictor.causes
    )
    model = replace(predictor, study=random_study(rng), causes=causes, luck=rng.standard_normal((3, N_FIRST)))
    histories, outcomes = drawn(rng, 25)
    now = rng.uniform(0, 1, 25) * np.minimum(outcomes.exit_month, 24.0) * 0.999
    for forecast in (model.predict(histories, now), model.predict_draws(histories, now)):
        total = forecast.incidence.sum(axis=-2)
        assert np.isfinite(total).all()
        assert total.max() <= 1 + 1e-9
        assert forecast.incidence.min() >= 0
        assert np.diff(forecast.incidence, axis=-1).min() >= -1e-9
        assert (forecast.unseen >= 0).all()
        assert forecast.unseen.sum(axis=-1).max() <= 1 + 1e-9
