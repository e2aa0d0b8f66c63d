import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from tests.model.traps.cohorts import drawn, study_of_three


@pytest.fixture(scope="session")
def cohort():
    return drawn(np.random.default_rng(11), 400)


@pytest.fixture(scope="session")
def predictor(cohort):
    return fit_predictor(study_of_three(), *cohort, seed=1)[0]
