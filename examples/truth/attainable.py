"""The oracle: gradient boosting on the features that a model sees, with the onsets visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from examples.truth.cohorts import HORIZONS, LANDMARKS, OUTCOMES, draw_blocks, n_blocks
from model.features import at_landmark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from examples.truth.cohorts import Known
    from examples.truth.options import Options
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, IntArray

ORACLE_SEED = 21
Risks = dict[tuple[float, float], "FloatArray"]
"""By landmark and horizon: (n_followed, n_outcomes)."""


def oracle_risks(
    study: Study, fresh: Known, options: Options, *, outcomes: Sequence[int] = range(len(OUTCOMES)), label: str = "all"
) -> Risks:
    """Return the oracle's risks of the fresh patients, from the cache if they are there.

    Parameters
    ----------
    study : decides on the features
    outcomes : which of OUTCOMES to learn
    label : names features and outcomes in the cache

    The cache knows sizes and names only: empty it after a change of the features or of the synthetic cohorts.
    """
    size = f"{options.oracle_patients}-{options.patients}"
    kept = options.cache / f"oracle-{options.variant}-{label}-{size}.npz" if options.cache else None
    if kept is None or not kept.exists():
        risks = _fitted(study, fresh, options, outcomes)
        if kept is None:
            return risks
        _write(kept, risks)
    return _read(kept)


def features_of(study: Study, known: Known, who: IntArray, landmark_month: float) -> FloatArray:
    """Raw features, NaN where blank, (n_who, n_features)."""
    return at_landmark(study, known.histories, who, np.full(len(who), landmark_month)).astype(np.float32)


def _fitted(study: Study, fresh: Known, options: Options, outcomes: Sequence[int]) -> Risks:
    rows: dict[float, list[tuple[FloatArray, BoolArray]]] = {landmark: [] for landmark in LANDMARKS}
    blocks = draw_blocks(options.variant, study, patients=options.oracle_patients, seed=ORACLE_SEED)
    for known in tqdm(blocks, total=n_blocks(options.oracle_patients), unit="block", disable=None):
        for landmark in LANDMARKS:
            who = known.followed(landmark)
            happened = np.stack([known.happened(who, landmark + horizon) for horizon in HORIZONS])
            rows[landmark].append((features_of(study, known, who, landmark), happened))
    risks: Risks = {}
    for landmark in LANDMARKS:
        parts = rows.pop(landmark)
        seen = np.concatenate([features for features, _ in parts])
        happened = np.concatenate([happened for _, happened in parts], axis=1)
        new = features_of(study, fresh, fresh.followed(landmark), landmark)
        for index, horizon in enumerate(HORIZONS):
            fits = (delayed(learned_risk)(seen, happened[index, :, outcome], new) for outcome in outcomes)
            risks[landmark, horizon] = np.stack(Parallel(n_jobs=options.jobs)(fits), axis=1)
    return risks


def learned_risk(features: FloatArray, happened: BoolArray, new: FloatArray) -> FloatArray:
    """Boosted risk of new patients, (n_new,); all zero if it happened to nobody.

    Trees of 4, 8 and 15 leaves ended within 0.0005 of each other in scaled Brier, so did the average of several; a
    logistic regression with indicators of blanks was 0.02 worse.
    """
    if not happened.any():
        return np.zeros(len(new))
    known = ~np.isnan(features)
    varies = np.max(features, axis=0, where=known, initial=-np.inf) > np.min(features, 0, where=known, initial=np.inf)
    boosting = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=200,
        l2_regularization=10.0,
        max_iter=1000,
        early_stopping=True,
        validation_fraction=0.15,
        n_iter_no_change=20,
        random_state=1,
    )
    with threadpool_limits(limits=1):  # its threads wait for each other by spinning, which is slow on a busy machine
        boosting.fit(features[:, varies], happened)
        risk: FloatArray = boosting.predict_proba(new[:, varies])[:, 1]
    return risk


def _write(path: Path, risks: Risks) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    np.savez(unfinished, allow_pickle=False, **{f"{at:g}+{horizon:g}": risk for (at, horizon), risk in risks.items()})
    unfinished.rename(path)


def _read(path: Path) -> Risks:
    with np.load(path) as kept:
        return {
            (landmark, horizon): kept[f"{landmark:g}+{horizon:g}"] for landmark in LANDMARKS for horizon in HORIZONS
        }
