"""The model for Python: data frames in, data frames out, with scikit-learn's conventions."""

from __future__ import annotations

import warnings
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from model.errors import BadInputError, Problem
from model.learning.fitting import LEARNERS, check_learned, fit_predictor
from model.risk_table import ask_all, ask_rows, checked_horizons, found_by_then, risk_tables, supported_until
from model.saved import artifact
from model.study.definition import Study
from model.study.file import DEFAULT_STUDY, read_study
from model.tables.cohort import cohort_from_frames, records_from_frames
from model.tables.table_frame import table_from_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class RecurrenceModel(BaseEstimator):  # type: ignore[misc] # The base class carries no types.
    """Risk of each event of a study, from what was recorded about a patient up to a landmark.

    Decision support, not a device. Frames have the columns of the cohort tables and obey their rules; every broken one
    is listed in one BadInputError, rows counted from 1.

    Parameters
    ----------
    study : path of a study file, a `Study`, or None for the default study
    published : whether the study's published effects are used as prior
    learner : "linear", "splines" (bends in the effects of numbers), "boosting" (trees beside straight lines) or
        "published" (hazards as the study file has them); `python -m model.train` chooses by cross-validation
    random_state : of the draws behind the bands; the estimate itself is not random

    Attributes
    ----------
    study_ : the Study it was fitted to
    predictor_ : the fitted `model.predictor.Predictor`, which works on arrays
    supported_until_ : last landmark that has an answer, in the study's unit
    """

    def __init__(
        self,
        study: str | Path | Study | None = None,
        *,
        published: bool = True,
        learner: str = "linear",
        random_state: int | np.random.RandomState | None = 1,
    ) -> None:
        self.study = study
        self.published = published
        self.learner = learner
        self.random_state = random_state

    def fit(self, patients: pd.DataFrame, visits: pd.DataFrame | None, outcomes: pd.DataFrame) -> Self:
        """Learn from a cohort; `visits` may be None for a study that has neither markers nor tests."""
        study = self.study if isinstance(self.study, Study) else read_study(Path(self.study or DEFAULT_STUDY))
        cohort = cohort_from_frames(patients, visits, outcomes, study)
        _warn(cohort.warnings)
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = int(check_random_state(seed).randint(2**31))
        check_learned(study, cohort.outcomes)
        if self.learner not in LEARNERS:
            raise ValueError(f"learner must be one of {', '.join(LEARNERS)}")
        data = (study, cohort.histories, cohort.outcomes)
        predictor, fits = fit_predictor(*data, seed=seed, published=self.published, learner=self.learner)
        for event, fit in zip(study.event, fits, strict=True):
            if not fit.converged:
                warnings.warn(f"{event.name}: the fit did not converge", ConvergenceWarning, stacklevel=2)
        self.study_, self.predictor_, self.supported_until_ = study, predictor, supported_until(predictor)
        return self

    def predict(
        self,
        patients: pd.DataFrame,
        visits: pd.DataFrame | None = None,
        *,
        landmark: float | pd.Series,
        horizons: Sequence[float] | None = None,
        bands: bool = True,
    ) -> pd.DataFrame:
        """Predict from what was recorded by the landmark, for patients without an event until then.

        Parameters
        ----------
        patients, visits : without outcomes; visits after the landmark are not used
        landmark : one moment for all patients, or moments by `patient_id` as a Series' index: each of its entries is
            answered, in its order, and nobody else. In the study's unit
        horizons : lengths past the landmark in the study's unit, the study's own by default; at 0 stands the
            probability that the event is present and not yet seen
        bands : whether to add the 95 % band, which takes nearly all of the time

        Returns
        -------
        one row per patient, event and horizon: `patient_id` as in `patients`, `landmark`, `event`, `horizon`,
        `probability` and, with bands, `low` and `high`

        Raises NotSupportedError beyond the landmarks and horizons that the model learned from, and for values so far
        from those it learned from that no number comes out. A positive test by the
        landmark is an error: the event has then been found. Deaths cannot be seen here; leave the dead out.
        """
        check_is_fitted(self)
        records = records_from_frames(patients, visits, self.study_)
        _warn(records.warnings)
        if isinstance(landmark, pd.Series):
            asked = table_from_frame("landmark", landmark.rename("landmark").rename_axis("patient_id").to_frame())
            questions, _ = ask_rows(asked, records, self.predictor_)
        else:
            questions = ask_all(len(records), landmark, self.predictor_)
        _refuse_found(found_by_then(records, questions), "landmark" if isinstance(landmark, pd.Series) else "patients")
        asked_horizons = checked_horizons(horizons, self.study_)
        tables = risk_tables(self.predictor_, records, questions, asked_horizons, bands=bands)
        risks = pd.concat(tables, ignore_index=True)
        patient = questions.patient[risks.pop("question")]
        risks.insert(0, "patient_id", _identifiers(patients).take(patient).array)
        return risks

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Take a model that `python -m model.train` or `model.update` wrote, verified; raises ArtifactError."""
        loaded = artifact.load(Path(folder))
        study, predictor = loaded.predictor.study, loaded.predictor
        model = cls(study, learner=loaded.facts["learner"], random_state=loaded.manifest["seed"])
        model.study_, model.predictor_, model.supported_until_ = study, predictor, supported_until(predictor)
        return model


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        warnings.warn(line, stacklevel=3)


def _refuse_found(found: np.ndarray, table: str) -> None:
    rule = "a test was positive by the landmark, so the event has been found: there is no risk of it to predict"
    if found.any():
        raise BadInputError(Problem(table, int(row) + 1, "patient_id", rule) for row in np.flatnonzero(found))


def _identifiers(patients: pd.DataFrame) -> pd.Series:
    """Identifiers in the type that they came in, so that the answer can be joined to the frames."""
    return (
        patients["patient_id"]
        if "patient_id" in patients
        else patients.index.get_level_values("patient_id").to_series()
    )
