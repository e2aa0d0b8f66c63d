"""Trap: one pace of growth for everybody, where what makes a recurrence more frequent also makes it grow faster."""

import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from tests.model.builders import slowly_found, slowly_seen

HAZARD, EFFECT, LEAD, PACE, SPREAD = 0.006, 0.7, 24.0, 0.5, 0.5


@pytest.fixture(scope="module")
def lived():
    """x, histories, outcomes and true onsets: x raises the hazard of beginning and shortens the way to the onset."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal(6000)
    study = slowly_seen(lead=LEAD, pace_log_sd=SPREAD, pace=PACE)
    return x, *slowly_found(rng, study, x, HAZARD * np.exp(EFFECT * x))


def by_month_24(study, lived):
    """Fitted against true share with onset by month 24: of everybody, and of those with x above 1."""
    x, histories, outcomes, onset = lived
    predictor, _ = fit_predictor(study, histories, outcomes, seed=1)
    ours = predictor.predict(histories, np.zeros(len(x))).at(24.0)[:, 0]
    return [ours[who].mean() / np.mean(onset[who] <= 24.0) for who in (x > -np.inf, x > 1.0)]


def test_a_pace_that_depends_on_what_raises_the_hazard_gives_onsets_back(lived):
    assert by_month_24(slowly_seen(lead=LEAD, pace_log_sd=SPREAD, pace=PACE), lived) == pytest.approx([1, 1], abs=0.1)


def test_without_the_dependence_a_quarter_of_early_onsets_is_missed_and_half_of_those_of_the_fast(lived):
    # Even with all of the spread, that of x included: those in whom it begins are not those of the middle pace.
    everybody, fast = by_month_24(slowly_seen(lead=LEAD, pace_log_sd=np.hypot(SPREAD, PACE)), lived)
    assert everybody < 0.8
    assert fast < 0.6
