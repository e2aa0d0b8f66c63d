import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from model.onset.maturation import compete
from model.schedule.prospect import prospects
from tests.model.builders import growing
from tests.model.traps.cohorts import drawn, study_of_three

N = 12


@pytest.fixture(scope="module")
def predictor():
    study = study_of_three()
    events = tuple(
        growing(event).model_copy(update={"pace": {"ki67": 0.5}}) if event.observed == "test" else event
        for event in study.event
    )
    ki67 = study.baseline[1].model_copy(update={"reference": 1.0})
    study = study.model_copy(update={"event": events, "baseline": (study.baseline[0], ki67, *study.baseline[2:])})
    return fit_predictor(study, *drawn(np.random.default_rng(5), 300), seed=1)[0]


@pytest.fixture(scope="module")
def patients():
    """Patients with visits behind them, in whom nothing was found by month 13.5, as of different months."""
    histories, _ = drawn(np.random.default_rng(6), 40)
    clean = np.flatnonzero(~((histories.test == 1).any(axis=2) & (histories.visit_month <= 14)).any(axis=1))[:N]
    return histories.select(clean), np.linspace(1.0, 13.5, N)


def forecast_of(found):
    """What `Predictor.predict` says, from the mass by pace and bin."""
    by_then = np.cumsum(found.mass.sum(axis=2), axis=2)[:, :, found.n_past - 1 : found.n_past + found.n_slots - 1]
    dying = -np.diff(np.log(found.followed), axis=1)[:, None] / found.step
    unseen, incidence = compete(by_then, dying, np.full(found.n_slots - 1, found.step))
    return unseen, incidence[:, [0, 2, 1]]  # Causes found by tests come first there; death is the study's second.


def test_paces_and_bins_add_up_to_the_forecast(predictor, patients):
    forecast = predictor.predict(*patients)
    step = forecast.month[1]
    end = np.full(N, forecast.month[-1])
    for who, found in prospects(predictor, *patients, end, step=step, spacing=0.3):
        unseen, incidence = forecast_of(found)
        assert unseen == pytest.approx(forecast.unseen[who][:, [0, 2]], abs=1e-12)
        assert incidence == pytest.approx(forecast.incidence[who], abs=1e-12)


def test_so_they_do_draw_by_draw(predictor, patients):
    forecast = predictor.predict_draws(*patients)
    end = np.full(N, forecast.month[-1])
    for who, found in prospects(predictor, *patients, end, step=forecast.month[1], n_draws=3):
        _, incidence = forecast_of(found)
        assert incidence.reshape(3, len(who), 3, -1) == pytest.approx(forecast.incidence[:3, who], abs=1e-12)


def test_a_patient_s_prospect_does_not_depend_on_who_else_is_asked_about(predictor, patients):
    histories, now = patients
    end = np.full(N, 60.0)
    ((everybody, together),) = prospects(predictor, histories, now, end)
    at = int(np.flatnonzero(everybody == 4)[0])
    ((_, alone),) = prospects(predictor, histories.select(np.array([4])), now[[4]], end[[4]])
    place = np.searchsorted(together.pace, alone.pace * (1 - 1e-9))
    assert alone.mass[0] == pytest.approx(together.mass[at][:, place], abs=1e-15)
    assert together.mass[at].sum() == pytest.approx(alone.mass.sum())


def test_beyond_the_longest_horizon_onsets_go_on(predictor, patients):
    histories, now = patients
    ((who, found),) = prospects(predictor, histories, now, np.full(N, 90.0), step=1.5)
    ((_, shorter),) = prospects(predictor, histories, now, np.full(N, 24.0), step=1.5)
    n = shorter.n_past + shorter.n_slots - 1
    assert found.mass[..., :n] == pytest.approx(shorter.mass[..., :n], abs=1e-12)
    assert (found.mass[..., n : found.n_past + found.n_slots - 1].sum(axis=(2, 3)) > 0).all()
    assert len(who) == N
