from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

from model.onset.hazard import Parameters
from model.onset.poisson import (
    Penalty,
    RiskRows,
    derivatives,
    newton_step,
    objective,
    patient_scores,
)


def some_rows(rng, n=300, n_scores=4, n_bins=3):
    exposure = rng.uniform(0.5, 3.0, (n, n_bins))
    scores = rng.standard_normal((n, n_scores))
    rate = 0.1 * np.exp(scores @ np.linspace(-0.5, 0.5, n_scores))[:, None]
    return RiskRows(
        scores=scores,
        fading=np.array([1]),
        fade=np.array([1.0, 0.5, 0.25]),
        clock=rng.uniform(0.0, 2.0, (n, n_bins)),
        events=rng.poisson(rate * exposure).astype(float),
        exposure=exposure,
        patient=np.repeat(np.arange(n // 2), 2),
    )


def maximise(rows, penalty):
    parameters = Parameters.unpack(penalty.centre, n_bins=len(rows.fade), n_scores=rows.scores.shape[1])
    for _ in range(30):
        parameters, _ = newton_step(parameters, rows, penalty)
    return parameters


def ridge(rows, strength=2.0):
    """A penalty on effects only, so that scikit-learn can do the same."""
    n_bins, n_effects = len(rows.fade), 1 + rows.scores.shape[1] + len(rows.fading)
    precision = np.diag(np.append(np.full(n_bins, 1e-9), np.full(n_effects, strength)))
    return Penalty(np.append(np.full(n_bins, -2.0), np.zeros(n_effects)), precision)


def test_newton_agrees_with_scikit_learn(rng):
    # The same likelihood written out: one row per patient row and bin, dummies for the bins (their tiny penalty is
    # scikit-learn's only way not to penalise them), rates weighted by exposure.
    rows = some_rows(rng)
    n, n_bins = rows.events.shape
    dummies = np.tile(np.eye(n_bins), (n, 1)) * 1e4
    faded = np.repeat(rows.scores[:, rows.fading], n_bins, axis=0) * np.tile(rows.fade, n)[:, None]
    design = np.column_stack([dummies, rows.clock.ravel(), np.repeat(rows.scores, n_bins, axis=0), faded])
    weight = rows.exposure.ravel()
    peer = PoissonRegressor(alpha=2.0 / weight.sum(), fit_intercept=False, solver="newton-cholesky", tol=1e-10)
    peer.fit(design, rows.events.ravel() / weight, sample_weight=weight)
    ours = maximise(rows, ridge(rows))
    assert np.concatenate([ours.clock, ours.steady, ours.wearing_off]) == pytest.approx(peer.coef_[n_bins:], abs=1e-6)
    assert ours.shape == pytest.approx(peer.coef_[:n_bins] * 1e4, abs=1e-5)


def test_patient_scores_sum_to_the_gradient_of_the_likelihood(rng):
    rows = some_rows(rng)
    flat = Penalty(np.zeros(9), np.zeros((9, 9)))
    at = rng.normal(0, 0.2, 9)
    gradient = [
        (objective(unpacked(at + step), rows, flat) - objective(unpacked(at - step), rows, flat)) / 2e-5
        for step in np.eye(9) * 1e-5
    ]
    assert patient_scores(unpacked(at), rows).sum(axis=0) == pytest.approx(gradient, rel=1e-5, abs=1e-5)


def test_curvature_is_the_slope_of_the_scores(rng):
    rows = some_rows(rng)
    at = rng.normal(0, 0.2, 9)
    slope = [
        (patient_scores(unpacked(at - step), rows) - patient_scores(unpacked(at + step), rows)).sum(axis=0) / 2e-5
        for step in np.eye(9) * 1e-5
    ]
    assert derivatives(unpacked(at), rows)[1] == pytest.approx(np.array(slope), rel=1e-5, abs=1e-4)


def test_without_events_the_effects_stay_at_their_prior(rng):
    rows = some_rows(rng)
    nothing = replace(rows, events=0 * rows.events, exposure=1e-9 * rows.exposure)
    believed = Penalty(np.append(np.full(3, -2.0), np.linspace(0, 1, 6)), np.diag(np.full(9, 4.0)))
    assert maximise(nothing, believed).pack() == pytest.approx(believed.centre, abs=1e-6)


def unpacked(vector):
    return Parameters.unpack(vector, n_bins=3, n_scores=4)
