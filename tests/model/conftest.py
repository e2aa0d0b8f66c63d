"""A model trained on synthetic patients of the default study, shared by the tests that need one."""

import pytest

from model.learning.fitting import fit_predictor
from model.onset.estimate import CauseFit
from model.predictor import Predictor
from model.study.file import DEFAULT_STUDY, read_study
from model.tables.cohort import Cohort, read_cohort
from synthetic_data.__main__ import main as write_synthetic_cohort
from tests.model.on_disk import save_model


class Trained:
    """Not a dataclass: a failing property would print every array."""

    def __init__(self, cohort: Cohort, predictor: Predictor, fits: tuple[CauseFit, ...]) -> None:
        self.cohort, self.predictor, self.fits = cohort, predictor, fits


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "cohort"
    write_synthetic_cohort(["--patients", "600", "--seed", "5", "--out", str(folder)])
    cohort = read_cohort(folder, read_study(DEFAULT_STUDY))
    predictor, fits = fit_predictor(cohort.study, cohort.histories, cohort.outcomes, seed=1)
    return Trained(cohort, predictor, fits)


@pytest.fixture(scope="session")
def model_folder(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("artifacts")
    return save_model(trained.cohort, trained.predictor, trained.fits, DEFAULT_STUDY.read_text(), out)
