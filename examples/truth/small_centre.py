"""Whether a model fitted to 300 patients predicts better than their average does, and than the literature alone.

Each replicate is its own small cohort; all are judged on one fresh default cohort by the log likelihood of what truly
happened: mean over patients of log P(first onset by the horizon, or none), then over horizons and those landmarks that
the replicate's model supports.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed

from examples.truth.cohorts import ANY, FRESH_SEED, HORIZONS, LANDMARKS, draw, study_of
from examples.truth.judged import predicted
from examples.truth.tables import header, line
from model.audit.baselines import everyone_alike
from model.learning.fitting import fit_predictor, learners_for, prior_alone
from model.learning.selection import select_learner
from model.learning.split import patient_folds
from synthetic_data.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.truth.cohorts import Known
    from examples.truth.options import Options
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray

FIRST_SEED = 1000
N_FOLDS = 5
FRESH_VARIANT = "default"


@dataclass(frozen=True)
class Replicate:
    """Log likelihood per fresh patient of one small centre's model and of its rivals."""

    events: int
    learner: str
    landmarks: int
    model: float
    alike: float
    prior: float


def report(options: Options) -> Iterator[str]:
    """Fit every replicate, then count."""
    study = study_of(options.variant)
    fresh = draw(FRESH_VARIANT, study, patients=options.patients, seed=FRESH_SEED)
    seeds = range(FIRST_SEED, FIRST_SEED + options.replicates)
    done = Parallel(n_jobs=options.jobs)(delayed(replicate)(study, options.variant, fresh, seed) for seed in seeds)
    events, landmarks = ([getattr(one, name) for one in done] for name in ("events", "landmarks"))
    yield (
        f"{len(done)} replicates of {VARIANTS[options.variant].patients} patients, each with {min(events)} to "
        f"{max(events)} recurrences found (median {np.median(events):g}). Landmarks supported, of {len(LANDMARKS)}: "
        + ", ".join(f"{n} in {landmarks.count(n)} replicates" for n in sorted(set(landmarks)))
        + ". Chosen: "
        + ", ".join(f"{name} in {count}" for name, count in Counter(one.learner for one in done).most_common())
        + "."
    )
    yield ""
    yield from header(
        "against", "replicates won or level", "median gain per patient, log likelihood", "5 to 95 % of replicates"
    )
    for name, rival in (("Aalen-Johansen of the same patients", "alike"), ("the prior alone", "prior")):
        gain = np.array([one.model - getattr(one, rival) for one in done])
        low, middle, high = np.quantile(gain, [0.05, 0.5, 0.95])
        yield line(name, f"{np.sum(gain >= 0)} of {len(gain)}", f"{middle:.5f}", f"{low:.5f} to {high:.5f}")


def replicate(study: Study, variant: str, fresh: Known, seed: int) -> Replicate:
    """Draw one small centre, choose a learner and fit it as training does, and judge it with its rivals."""
    small = draw(variant, study, patients=VARIANTS[variant].patients, seed=seed)
    outcomes = small.cohort.outcomes
    patients = study, small.histories, outcomes
    fold = patient_folds(outcomes.cause, n_folds=N_FOLDS, rng=np.random.default_rng([seed, 1]))
    learner = select_learner(*patients, fold, learners=learners_for(study, outcomes), seed=seed, jobs=1).chosen
    predictor, _ = fit_predictor(*patients, seed=seed, learner=learner)
    prior = prior_alone(*patients, seed=seed)
    supported = [landmark for landmark in LANDMARKS if landmark <= predictor.supported_until_month]
    scores = []
    for landmark in supported:
        who = fresh.followed(landmark)
        alike = alike_risk(small, landmark)
        risks = [predicted(p, fresh, who, landmark)[:, :, ANY] for p in (predictor, prior)]
        for index, horizon in enumerate(HORIZONS):
            happened = fresh.happened(who, landmark + horizon)[:, ANY]
            three = [*(risk[:, index] for risk in risks), np.full(len(who), alike[index])]
            scores.append([log_likelihood(risk, happened) for risk in three])
    model, of_prior, of_alike = np.mean(scores, axis=0)
    events = int(np.isin(outcomes.cause, study.targets).sum())
    return Replicate(events, learner, len(supported), float(model), float(of_alike), float(of_prior))


def alike_risk(small: Known, landmark: float) -> FloatArray:
    """Aalen-Johansen P(any recurrence is found within each horizon), (n_horizons,).

    Where nothing was found it says half a patient of those at risk, and so for everybody: no likelihood survives a 0.
    """
    here, outcomes = small.followed(landmark), small.cohort.outcomes
    found = everyone_alike(
        outcomes.exit_month[here] - landmark, outcomes.cause[here], n_causes=ANY + 1, horizon_months=HORIZONS
    )
    share: FloatArray = np.clip(found[:ANY].sum(axis=0), 0.5 / len(here), 1.0 - 0.5 / len(here))
    return share


def log_likelihood(risk: FloatArray, happened: BoolArray) -> float:
    """Mean over patients of log P(what happened)."""
    return float(np.mean(np.log(np.where(happened, risk, 1.0 - risk))))
