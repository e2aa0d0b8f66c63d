"""The rivals: a random survival forest and survival boosting, learned at one landmark or from the rows of all.

They come from scikit-survival. It is GPL, so it is no dependency of this project and is imported only here, only when
the comparison runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from model.features import at_landmark
from model.landmarks import at_risk

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.predictor import Predictor
    from model.types import FloatArray, Histories, IntArray, Outcomes

INSTALL = (
    "this comparison needs scikit-survival, which is GPL and therefore no dependency of the project; "
    "in an environment of its own: python -m pip install -r requirements/runtime.lock && "
    "python -m pip install -r requirements/peers.txt"
)


class MissingPeersError(Exception):
    """The rivals' library is not installed."""


@dataclass(frozen=True)
class Rival:
    """One learner and the rows that it sees.

    Attributes
    ----------
    rows : "landmark" = a fit at each landmark alone; "all" = one fit to the rows of all landmarks, as ours
    learner : its class in sksurv.ensemble
    settings : the best Brier scores, over landmarks 0, 1, 3 and 5 years of these very folds, among those tried:
        forests with leaves of 3 to 300 rows, boosting with 50 to 400 trees of depth 1 to 3. So they favour the rivals.
    """

    name: str
    rows: Literal["landmark", "all"]
    learner: str
    settings: dict[str, Any]


_BOOSTING, _FOREST = "GradientBoostingSurvivalAnalysis", "RandomSurvivalForest"
_ROOT = {"max_features": "sqrt"}
RIVALS = (
    Rival("forest, each landmark", "landmark", _FOREST, {"n_estimators": 300, "min_samples_leaf": 10, **_ROOT}),
    Rival(
        "forest, all landmarks",
        "all",
        _FOREST,
        {"n_estimators": 200, "min_samples_leaf": 20, "max_samples": 0.5, **_ROOT},
    ),
    Rival(
        "boosting, each landmark",
        "landmark",
        _BOOSTING,
        {"n_estimators": 200, "learning_rate": 0.05, "max_depth": 1, "subsample": 0.5, "min_samples_leaf": 10},
    ),
    Rival(
        "boosting, all landmarks",
        "all",
        _BOOSTING,
        {"n_estimators": 100, "learning_rate": 0.1, "max_depth": 2, "subsample": 0.5, "min_samples_leaf": 50},
    ),
)


@dataclass(frozen=True)
class Rows:
    """What a rival learns from.

    Attributes
    ----------
    scores : (n_rows, n_scores) the very scores that our model reads, from the training patients' scaling
    months_to_exit : (n_rows,) from the landmark
    event : (n_rows,) bool
    """

    scores: FloatArray
    months_to_exit: FloatArray
    event: np.ndarray


def check_installed() -> None:
    """Raise MissingPeersError unless the rivals can be imported."""
    try:
        import_module("sksurv.ensemble")
    except ModuleNotFoundError as error:
        raise MissingPeersError(INSTALL) from error


def rows_at(
    predictor: Predictor, histories: Histories, outcomes: Outcomes, learned: IntArray, landmark_month: FloatArray
) -> Rows:
    """Rows of the patients `learned` who are at risk at these landmarks, (n_landmarks,); deaths are cause 1."""
    histories, outcomes = histories.select(learned), outcomes.select(learned)
    rows = at_risk(landmark_month, outcomes.exit_month)
    features = at_landmark(predictor.study, histories, rows.patient, rows.landmark_month)
    completed = predictor.baselines(histories).expected
    return Rows(
        predictor.scaling.apply(features, completed[rows.patient]),
        outcomes.exit_month[rows.patient] - rows.landmark_month,
        outcomes.cause[rows.patient] == 1,
    )


def learn(
    rival: Rival, rows: Rows, *, horizon_months: float, until_months: float, seed: int
) -> Callable[[FloatArray], FloatArray]:
    """Fit a rival; returns what turns scores, (n_new, n_scores), into P(event within the horizon), (n_new,).

    Exits beyond `until_months`, the longest horizon of the study, are censored there, as for the landmark Cox model.
    """
    ensemble, util = import_module("sksurv.ensemble"), import_module("sksurv.util")
    within = rows.event & (rows.months_to_exit <= until_months)
    outcome = util.Surv.from_arrays(within, np.minimum(rows.months_to_exit, until_months))
    fitted = getattr(ensemble, rival.learner)(random_state=seed, **rival.settings).fit(rows.scores, outcome)

    def probability(scores: FloatArray) -> FloatArray:
        return np.array([1.0 - survival(horizon_months) for survival in fitted.predict_survival_function(scores)])

    return probability
