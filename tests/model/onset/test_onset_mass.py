from operator import attrgetter

import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from model.onset.outlook import outlook
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


def summed_up(found):
    """P(onset by each slot) of each cause, from the mass by pace and bin, (n_patients, n_causes, n_slots)."""
    return np.cumsum(found.mass.sum(axis=2), axis=2)[:, :, found.n_past - 1 : found.n_past + found.n_slots - 1]


def curves_of(predictor, histories, month, which, guesses=None):
    """What `Predictor.predict` lets compete, (..., n_patients, n_causes, n_steps + 1)."""
    situation = predictor.situation(histories, month)
    causes = [number for number, cause in enumerate(predictor.causes, 1) if cause.past is not None]
    begun = [predictor.begun(situation, cause, which, guesses=guesses) for cause in causes]
    hazards = [predictor.hazard_to_come(situation, cause, which, guesses=guesses) for cause in causes]
    return np.moveaxis(outlook(begun, hazards, situation.moment)[0], 0, -2)


def test_paces_and_bins_add_up_to_the_forecast(predictor, patients):
    curves = curves_of(predictor, *patients, attrgetter("best"))
    end, step = np.full(N, predictor.grid.risk_month[-1]), predictor.grid.risk_month[1]
    for who, found in prospects(predictor, *patients, end, step=step, spacing=0.3):
        assert summed_up(found) == pytest.approx(curves[who], abs=1e-12)
        dying = -np.diff(np.log(found.followed), axis=1) / step
        situation = predictor.situation(patients[0].select(who), patients[1][who])
        assert dying == pytest.approx(predictor.hazard_to_come(situation, 2, attrgetter("best")))


def test_so_they_do_draw_by_draw(predictor, patients):
    histories, month = patients
    guesses = predictor.baselines(histories).guesses(predictor.luck[:3])
    curves = curves_of(predictor, histories, month, lambda fitted: fitted.draws.first(3), guesses)
    end, step = np.full(N, predictor.grid.risk_month[-1]), predictor.grid.risk_month[1]
    for who, found in prospects(predictor, histories, month, end, step=step, n_draws=3):
        assert summed_up(found).reshape(3, len(who), 2, -1) == pytest.approx(curves[:, who], abs=1e-12)


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
