"""`model_facts.json`: what a reader must know before trusting the model, field by field, empty ones kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model.onset.prior import published_effects
from model.saved.at_visits import visit_facts
from model.saved.presence_facts import presence_effects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.features import Feature
    from model.onset.estimate import CauseFit
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.tables.cohort import Cohort

NOT_PROVIDED = "not provided"
MISSING_BASELINE = "what is expected of it given the known baselines, a term for being missing, and a wider band"
MISSING_MARKER = "the training mean, and a term for being missing"
DECISION_SUPPORT = "Decision support for clinicians, not a medical device; it has no regulatory clearance."

# The source attributes of 45 CFR 170.315(b)(11), ONC HTI-1, numbered as there is usual.
SOURCE_ATTRIBUTES = {
    "O1": "Developer and contact",
    "O2": "Funding",
    "O3": "Output value and unit",
    "O4": "Output type",
    "O5": "Intended use",
    "O6": "Intended population",
    "O7": "Intended users",
    "O8": "Role in the decision",
    "O9": "Out of scope",
    "O10": "Known risks and limits",
    "O11": "Inclusion and exclusion",
    "O12": "Use of demographic and social attributes",
    "O13": "Representativeness",
    "O14": "Relevance to the setting of use",
    "O15": "Approach to fairness",
    "O16": "Handling of bias",
    "O17": "External validation: source and setting",
    "O18": "External validation: party",
    "O19": "External validation: demographics",
    "O20": "External validation: process",
    "O21": "Internal validity",
    "O22": "Internal fairness",
    "O23": "External validity",
    "O24": "External fairness",
    "O25": "Outcome evaluations",
    "O26": "Validity monitoring",
    "O27": "Local validity",
    "O28": "Fairness monitoring",
    "O29": "Local fairness",
    "O30": "Update process",
    "O31": "Correction schedule",
}


def model_facts(
    cohort: Cohort, predictor: Predictor, fits: Sequence[CauseFit], *, seed: int, learner: str, asked: str = "auto"
) -> dict[str, Any]:
    """Collect the facts of a freshly fitted model; nothing in them depends on the clock.

    learner : the one that was used; asked : what the user asked for, "auto" for the choice by cross-validation
    """
    by_hand = "" if asked == "auto" else f" --learner {asked}"
    study = predictor.study
    synthetic = cohort.about.get("synthetic")
    known = {
        "O3": "Probability (0 to 1) of each event by each horizon, with a 95 % band; months to the next visit",
        "O4": "Prediction: cumulative incidence in the presence of the other events",
        "O5": f"Planning surveillance: {study.title}",
        "O6": f"Patients like those of the training cohort ({len(cohort)} patients), followed and without an event",
        "O7": "Clinicians and the hospital systems they use",
        "O8": f"Informs the decision on when to see the patient again. {DECISION_SUPPORT}",
        "O9": "Patients after an event, and moments later than "
        f"{predictor.supported_until_month:g} months after the origin, are refused",
        "O10": _limits(synthetic=synthetic),
        "O12": _demographics(predictor),
        "O21": "See audit.json and audit.html: cross-validation by patient",
        "O30": "Re-training with `python -m model.train`; a version never changes once written",
    }
    return {
        "study": study.name,
        "title": study.title,
        "synthetic": synthetic,
        "about": cohort.about,
        "regulatory_status": DECISION_SUPPORT,
        "seed": seed,
        "command": f"python -m model.train --cohort DIR --study {study.name}.toml --seed {seed}{by_hand}",
        "sha256": cohort.sha256,
        "patients": len(cohort),
        "follow_up_months": _follow_up(cohort),
        "supported_until_month": predictor.supported_until_month,
        "horizons": {"unit": study.time_unit, "values": list(study.horizons)},
        "events": [
            {"name": event.name, "role": event.role, "observed": event.observed, "n": fit.n_events}
            for event, fit in zip(study.event, fits, strict=True)
        ],
        "learner": learner,
        "predictors": _predictors(cohort),
        "at_visits": visit_facts(study, cohort.histories),
        "effects": [
            row
            for number, (event, fit) in enumerate(zip(study.event, fits, strict=True), 1)
            for row in _effects(predictor, event.name, fit, predictor.causes[number - 1].n_events)
        ],
        "presence": [
            row for event, fit in zip(study.event, fits, strict=True) for row in presence_effects(predictor, event, fit)
        ],
        "attributes": [
            {"id": number, "name": name, "value": known.get(number, NOT_PROVIDED)}
            for number, name in SOURCE_ATTRIBUTES.items()
        ],
    }


def _effects(predictor: Predictor, event: str, fit: CauseFit, n_events: int) -> list[dict[str, Any]]:
    """Effect of each feature on the log hazard past the moment of prediction, and how much of it is the prior's.

    `prior_weight` is posterior variance over prior variance: near 1 the data said nothing, near 0 they said it all.
    """
    if not n_events:
        return []
    features, scaling = predictor.features, predictor.scaling
    stated = published_effects(predictor.study, features, event=event)
    first = len(fit.parameters.shape) + 1
    variance = np.diag(fit.covariance)[first:]
    rows = []
    for index, feature in enumerate(features):
        scale, prior = float(scaling.scale[index]), stated.get(index)
        value, sd = float(fit.parameters.steady[index]) / scale, float(np.sqrt(variance[index])) / scale
        believed = prior and {"mean": prior.log_hazard_ratio, "sd": prior.sd, "source": prior.source}
        weight = variance[index] / fit.prior.sd[index] ** 2
        rows.append(
            {
                "event": event,
                "input": feature.name,
                "per": _per(feature, predictor.study),
                "prior": believed,
                "estimate": value,
                "low": value - 1.96 * sd,
                "high": value + 1.96 * sd,
                "prior_weight": float(min(weight, 1.0)),
            }
        )
    return rows


def _per(feature: Feature, study: Study) -> str:
    """Say what one unit of a feature is."""
    item = next((item for item in (*study.baseline, *study.marker) if item.name == feature.source), None)
    if feature.what == "level":
        return f"{feature.level} against the first level"
    if feature.what in ("value", "last") and item is not None:
        transform = {"log": "unit of the natural logarithm", "log1p": "unit of log(1 + value)"}.get(item.transform)
        kind = getattr(item, "kind", "number")
        return {"binary": "yes against no", "ordinal": "level"}.get(kind) or transform or item.unit or "unit"
    return {
        "trend": "unit a year",
        "age": "year since it was measured",
        "since": "unit of log(1 + years since the last one)",
        "negatives": "unit of log(1 + negatives)",
        "time": "decade since the origin" if feature.name == "landmark" else "squared decade",
    }[feature.what]


def _limits(*, synthetic: object) -> str:
    origin = "" if synthetic is False else "Whether the training data are real is not stated. "
    if synthetic is True:
        origin = "Trained on synthetic data: not for decisions about real patients. "
    return origin + (
        "Tests are taken to be as sensitive, and recurrences to grow, as the study file says. "
        "Bands cover the uncertainty of the parameters and of missing baselines, not of the model's form."
    )


def _demographics(predictor: Predictor) -> str:
    used = [item.label or item.name for item in predictor.study.baseline if item.group == "demographics"]
    return f"Used as predictors: {', '.join(used)}" if used else "None is used as a predictor"


def _follow_up(cohort: Cohort) -> dict[str, float]:
    """Quartiles of the time under observation, in months."""
    low, middle, high = np.quantile(cohort.outcomes.exit_month, [0.25, 0.5, 0.75])
    return {"lower_quartile": float(low), "median": float(middle), "upper_quartile": float(high)}


def _predictors(cohort: Cohort) -> list[dict[str, Any]]:
    """Each input with its allowed range and how often it is missing."""
    missing = np.isnan(cohort.histories.baseline).mean(axis=0)
    never = np.isnan(cohort.histories.marker).all(axis=1).mean(axis=0)
    return [
        {
            "name": item.name,
            "unit": item.unit,
            "range": list(item.range) if item.range else None,
            "levels": list(getattr(item, "levels", ())) or None,
            "missing_share": float(share),
            "missing_policy": MISSING_BASELINE if item in cohort.study.baseline else MISSING_MARKER,
        }
        for item, share in zip((*cohort.study.baseline, *cohort.study.marker), np.append(missing, never), strict=True)
    ]
