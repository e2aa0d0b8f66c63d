"""Who differs from the training cohort: inputs, how often they are missing, and how high the predicted risks are.

The training patients themselves are not at hand. What the model keeps of them answers two questions (Debray et al.,
Journal of Clinical Epidemiology 68 (2015) 279-289): could one tell from the baselines to which cohort a patient
belongs, and are the predicted risks higher, or spread wider, here than there. Both sides of every comparison are
estimated in the same way, so that the training cohort differs from itself by nothing at all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm
from threadpoolctl import threadpool_limits

from model.audit.external.moments import LEAST_SPREAD, Baselines, surveillance_moments
from model.onset.missing import MOST_PATIENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.audit.external.moments import Moments
    from model.predictor import Predictor
    from model.tables.cohort import Cohort
    from model.types import FloatArray, Histories

Row = dict[str, Any]

NOTABLE = 0.1  # Less is usually taken for no difference (Austin, Statistics in Medicine 28 (2009) 3083-3107).
FAMILY_LEVEL = 0.05  # Chance of calling any input of two cohorts of the same patients notable.
MOST_NAMED = 5
NOT_TOLD = "the model does not say what risks it predicted for the patients it learned from"
OUT_OF_REACH = "some predicted risk is 0 or 1"
ALL_ALIKE = "all predicted risks are the same"
UPDATED = "the model was updated since it said what risks it predicted for the patients it learned from"


def prognosis(predictor: Predictor, histories: Histories) -> list[Row]:
    """Mean and spread of the linear predictor at time 0 over these patients, by event: {event, horizon, mean, sd}.

    It is log(-log(1 - p)), p the risk by the longest horizon: what a model of proportional hazards calls so, and there
    for every learner. Mean and sd are None where some p is 0 or 1.
    """
    study = predictor.study
    horizon = study.horizon_months[-1]
    risk = predictor.predict(histories, np.zeros(len(histories))).at(horizon)
    inside = np.asarray(((risk > 0) & (risk < 1)).all(axis=0))
    score = np.log(-np.log1p(-np.where(inside, risk, 0.5)))
    figures = zip(study.event_names, inside, score.mean(axis=0), score.std(axis=0), strict=True)
    return [
        {"event": event, "horizon": horizon, "mean": float(mean) if ok else None, "sd": float(sd) if ok else None}
        for event, ok, mean, sd in figures
    ]


def case_mix(predictor: Predictor, facts: dict[str, Any], cohort: Cohort) -> dict[str, Any]:
    """Compare a cohort with the training cohort, of which `facts`, the model's, say how large and how complete it was.

    Returns
    -------
    `inputs` : rows {input, source, trained{mean, sd}, here{mean, sd}, difference, notable, missing_trained,
        missing_here}; a mean is on the scale that the study models the input on, a share for levels and binaries; the
        difference is in standard deviations pooled over both cohorts; None where one of them has nothing to compare
    `prognosis` : rows {event, horizon, trained{mean, sd}, here{mean, sd}, difference, spread, why_not} of the linear
        predictor; `spread` is sd here / sd there; None, and why, where there is nothing to compare
    `follow_up_months` : quartiles, {trained{}, here{}}
    `tell_apart` : how often the baselines would tell rightly which of two patients, one of each cohort, is from where
    `statement` : lines in plain words
    """
    with threadpool_limits(limits=1):  # sums must not depend on the machine's cores
        baselines = Baselines.of(predictor, cohort.histories)
        missing = {row["name"]: row["missing_share"] for row in facts["predictors"]}, _missing(cohort)
        error = _errors(predictor, (facts["patients"], len(cohort)), missing)
        moments = baselines.moments(predictor), surveillance_moments(predictor, cohort.histories, cohort.outcomes)
        inputs = [row for each in moments for row in _input_rows(predictor, each, missing)]
        apart = baselines.told_apart(error[: len(baselines.known)])
        risks = _risks(facts, prognosis(predictor, cohort.histories))
    limit = np.maximum(NOTABLE, _by_chance(inputs) * np.sqrt(error))
    for row, column in zip(inputs, np.concatenate([each.column for each in moments]), strict=True):
        row["notable"] = None if row["difference"] is None else bool(abs(row["difference"]) > limit[column])
    quartiles = np.quantile(cohort.outcomes.exit_month, [0.25, 0.5, 0.75]).tolist()
    here = dict(zip(("lower_quartile", "median", "upper_quartile"), quartiles, strict=True))
    return {
        "inputs": inputs,
        "prognosis": risks,
        "follow_up_months": {"trained": facts["follow_up_months"], "here": here},
        "tell_apart": apart,
        "statement": [*_who_differs(inputs, apart), *_how_risks_differ(risks)],
    }


def _missing(cohort: Cohort) -> dict[str, float]:
    """Share of patients without each baseline, and without any value of each marker."""
    study, histories = cohort.study, cohort.histories
    share = np.append(np.isnan(histories.baseline).mean(axis=0), np.isnan(histories.marker).all(axis=1).mean(axis=0))
    return {item.name: float(each) for item, each in zip((*study.baseline, *study.marker), share, strict=True)}


def _errors(
    predictor: Predictor, sizes: tuple[int, int], missing: tuple[dict[str, float], dict[str, float]]
) -> FloatArray:
    """Variance of the difference of each feature's means by chance, in units of its variance, (n_features,)."""
    variance = np.zeros(len(predictor.features))
    for n_patients, share in zip(sizes, missing, strict=True):
        n_used = n_patients // -(-n_patients // MOST_PATIENTS)  # as many as a joint normal is learned from
        known = np.array([n_used * (1.0 - share.get(feature.source, 0.0)) for feature in predictor.features])
        variance += 1.0 / np.maximum(known, 1.0)
    return variance


def _input_rows(
    predictor: Predictor, moments: Moments, missing: tuple[dict[str, float], dict[str, float]]
) -> Iterator[Row]:
    """Put the moments of both cohorts side by side, a row per feature."""
    for place, (column, difference) in enumerate(zip(moments.column, moments.difference, strict=True)):
        feature = predictor.features[column]
        there, here = (_moments(moments.mean[side, place], moments.sd[side, place]) for side in (0, 1))
        yield {
            "input": feature.name,
            "source": feature.source,
            "trained": there,
            "here": here,
            "difference": float(difference) if math.isfinite(difference) else None,
            "missing_trained": missing[0].get(feature.source),
            "missing_here": missing[1].get(feature.source),
        }


def _by_chance(inputs: Sequence[Row]) -> float:
    """How many standard errors chance would reach in any of so many inputs, at FAMILY_LEVEL (Bonferroni)."""
    return float(norm.isf(FAMILY_LEVEL / 2 / max(sum(row["difference"] is not None for row in inputs), 1)))


def _moments(mean: float | None, sd: float | None) -> Row | None:
    return None if mean is None or sd is None or math.isnan(mean) else {"mean": float(mean), "sd": float(sd)}


def _risks(facts: dict[str, Any], here: Sequence[Row]) -> list[Row]:
    """Put the linear predictor of both cohorts side by side."""
    why_not = UPDATED if "update" in facts else NOT_TOLD if "prognosis" not in facts else None
    there: Sequence[Row] = [{"mean": None, "sd": None}] * len(here) if why_not else facts["prognosis"]
    return [_risk_row(old, new, why_not or OUT_OF_REACH) for old, new in zip(there, here, strict=True)]


def _risk_row(there: Row, here: Row, why_not: str) -> Row:
    trained, found = (_moments(row["mean"], row["sd"]) for row in (there, here))
    row: Row = {"event": here["event"], "horizon": here["horizon"], "trained": trained, "here": found}
    row |= {"difference": None, "spread": None, "why_not": why_not}
    if trained is None or found is None:
        return row
    pooled = math.hypot(trained["sd"], found["sd"]) / math.sqrt(2)
    if pooled < LEAST_SPREAD:
        return {**row, "why_not": ALL_ALIKE}
    spread = found["sd"] / trained["sd"] if trained["sd"] >= LEAST_SPREAD else None
    return {**row, "difference": (found["mean"] - trained["mean"]) / pooled, "spread": spread, "why_not": None}


def _who_differs(inputs: Sequence[Row], apart: float) -> list[str]:
    """Name the inputs that differ most."""
    notable = sorted((row for row in inputs if row["notable"]), key=lambda row: -abs(row["difference"]))
    named = ", ".join(f"{row['input']} ({row['difference']:+.2f})" for row in notable[:MOST_NAMED])
    more = f" and {len(notable) - MOST_NAMED} more" if len(notable) > MOST_NAMED else ""
    who = (
        f"inputs that differ from the training cohort, in standard deviations: {named}{more}"
        if notable
        else "no input differs from the training cohort by more than chance and a tenth of a standard deviation"
    )
    told = f"of two patients, one of each cohort, their baselines would tell which is which in {100 * apart:.0f} %"
    return [who, f"{told} (50 %: not at all)"]


def _how_risks_differ(risks: Sequence[Row]) -> list[str]:
    lines = [
        f"predicted risk of {row['event']}: {row['difference']:+.2f} standard deviations from the training cohort's"
        + (f", spread {row['spread']:.2f} times as wide" if row["spread"] is not None else "")
        for row in risks
        if row["difference"] is not None
    ]
    return lines or sorted({row["why_not"] for row in risks})
