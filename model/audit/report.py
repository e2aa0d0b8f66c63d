"""The audit as one page that explains itself: html with its figures inside, the same bytes for the same document."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from model.audit.baselines import ALIKE, COX
from model.audit.figures import ForestRow, calibration_figures, decision_figures, forest_figures
from model.audit.out_of_fold import PRIOR
from model.audit.strata import STRATA
from model.audit.summary import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.audit.resampling import Number

THIS_MODEL = "This model"
PICTURED = "The numbers are in the table below."


def render(audit: dict[str, Any], facts: dict[str, Any]) -> str:
    """Write the report.

    Parameters
    ----------
    audit : the document of `model.audit.run.run`; where there are any, with `literature` (`model.literature.document`),
        `validation`, and what `python -m model.audit` adds: `external`, `case_mix`, `update_helps`, `truth`
    facts : `title` of the study, `version`, `synthetic` (True, False, or None for unknown), `about` (of the cohort),
        `sha256` (file name to sum), `seed`, `command` that makes the audit again; where there are any, `effects`, rows
        {event, input, per, estimate, low, high (log hazard ratios), prior {mean, sd, source} or None, prior_weight},
        and `presence`, rows {event, marker, what, stage, odds_ratio}
    """
    environment = Environment(
        loader=PackageLoader("model.audit"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    effects = sorted(facts.get("effects", ()), key=lambda row: -abs(row["estimate"]))
    page = {
        "audit": audit,
        "facts": facts,
        "label_of": {event["name"]: event["label"] for event in audit["events"]},
        "sections": [_section(audit, event, effects, facts.get("presence", ())) for event in audit["events"]],
        "published": _published(audit),
        "validation": _validation(audit),
        "groups": _groups(audit),
    }
    text = environment.get_template("audit.html").render(page, contents=_contents(page))
    return text.rstrip() + "\n"


def _contents(page: dict[str, Any]) -> list[tuple[str, str]]:
    """Say what the page holds, in order: (id, name)."""
    audit, validation = page["audit"], page["validation"]
    places = [
        ("answer", "In short", True),
        ("literature", "Against published cohorts", page["published"]),
        ("validation", validation and validation["title"], validation),
        ("case-mix", "Who differs", "case_mix" in audit),
        ("update", "Would an update help?", "update_helps" in audit),
        ("truth", "True onsets", audit["truth"]),
        *((f"event-{section['name']}", section["label"], True) for section in page["sections"]),
        ("groups", "Groups of patients", page["groups"]),
        ("learners", "Which learner", audit["learners"]),
        ("definitions", "Definitions", True),
        ("tripod", "TRIPOD+AI", True),
        ("origin", "Data and command", True),
    ]
    return [(place, name) for place, name, there in places if there]


def _section(
    audit: dict[str, Any], event: dict[str, Any], effects: list[dict[str, Any]], presence: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Gather everything about one event."""

    def of_event(key: str) -> list[dict[str, Any]]:
        return [row for row in audit[key] if row["event"] == event["name"]]

    rows, baselines = of_event("by_horizon"), of_event("baselines")
    curves, decisions = of_event("curves"), of_event("decision_curve")
    cox = {_place(row): row for row in baselines if row["name"] == COX}
    names = {ALIKE: "No covariates", COX: "Cox", STRATA: _strata_name(audit["rules"]["strata"]), PRIOR: "Prior alone"}
    label, name = event["label"], event["name"]
    alt = f"Calibration of {label}: predicted against observed risk by group. {PICTURED}"
    decision_alt = f"Net benefit for {label} by the risk at which one would act. {PICTURED}"
    return {
        **event,
        "rows": [{**row, "cox": cox.get(_place(row))} for row in rows],
        "baselines": [
            each
            for row in rows
            if (others := [other for other in baselines if _place(other) == _place(row)])
            for each in (
                {**row, "label": THIS_MODEL, "difference": None},
                *({**other, "label": names[other["name"]]} for other in others),
            )
        ],
        "effects": [row for row in effects if row["event"] == name],
        "presence": [row for row in presence if row["event"] == name],
        "conventional": of_event("conventional"),
        "one_step": of_event("one_step"),
        "curves": curves,
        "figures": calibration_figures(curves, name=f"figure-{name}", alt=alt),
        "decisions": decisions,
        "decision_figures": decision_figures(decisions, name=f"decision-{name}", alt=decision_alt),
        "verdict": verdict(label, rows, by_test=event["observed"] == "test"),
    }


def _place(row: dict[str, Any]) -> tuple[float, float]:
    return row["landmark"], row["horizon"]


def _published(audit: dict[str, Any]) -> dict[str, Any] | None:
    """Put the published cohorts into a picture."""
    published: dict[str, Any] | None = audit.get("literature")
    if not published:
        return None
    rows = [ForestRow(row["title"], row["ratio"]) for row in published["cohorts"]]
    rows.append(ForestRow("All cohorts", published["pooled"]["ratio"], strong=True))
    alt = f"Observed over expected recurrences by published cohort. {PICTURED}"
    return {**published, "figures": forest_figures(rows, name="literature", alt=alt)}


def _validation(audit: dict[str, Any]) -> dict[str, Any] | None:
    """Put the parts that were left out and judged into a picture."""
    validation: dict[str, Any] | None = audit.get("validation")
    if not validation:
        return None
    label_of = {event["name"]: event["label"] for event in audit["events"]}
    by_event = sorted(validation["one_step"], key=lambda row: [*label_of, row["event"]].index(row["event"]))
    rows = [ForestRow(row["level"], row["ratio"], heading=label_of.get(row["event"], row["event"])) for row in by_event]
    alt = f"Observed over expected findings by part left out. {PICTURED}"
    return {
        **validation,
        "title": "Each centre left out" if validation["kind"] == "centre" else "Later patients, judged by earlier ones",
        "one_step": by_event,
        "figures": forest_figures(rows, name="validation", alt=alt),
    }


def _groups(audit: dict[str, Any]) -> dict[str, Any] | None:
    """Put the groups of patients into a picture per event, those that the verdict flags standing out."""
    if not audit["fairness"]:
        return None
    flags = [flag for flag in audit["verdict"]["flags"] if flag["question"] == "subgroup"]
    sections = [_groups_of(audit, event, flags) for event in audit["events"]]
    judged = sum(section["judged"] for section in sections)
    return {"judged": judged, "flags": flags, "sections": [section for section in sections if section["rows"]]}


def _groups_of(audit: dict[str, Any], event: dict[str, Any], flags: list[dict[str, Any]]) -> dict[str, Any]:
    name, label = event["name"], event["label"]
    flagged = {(flag["group"], flag["level"]) for flag in flags if flag["event"] == name}
    rows = [row for row in audit["fairness"] if row["event"] == name]
    drawn = [
        ForestRow(row["level"], row["ratio"], heading=row["label"], strong=(row["group"], row["level"]) in flagged)
        for row in rows
    ]
    alt = f"Observed over expected {label} by group of patients. {PICTURED}"
    return {
        "title": label,
        "rows": rows,
        "judged": sum(row["too_few"] is None for row in rows),
        "flagged": len(flagged),
        "figures": forest_figures(drawn, name=f"groups-{name}", alt=alt),
    }


def _strata_name(strata: list[dict[str, Any]]) -> str:
    """Say what the strata are, like "Size (cut at 10, 20) by Grade"."""
    cuts = [f" (cut at {', '.join(f'{cut:g}' for cut in by['cuts'])})" if by["cuts"] else "" for by in strata]
    return " by ".join(by["label"] + cut for by, cut in zip(strata, cuts, strict=True))


def _fixed(value: float, decimals: int, sign: str = "-") -> str:
    """Write a number with a real minus sign, and nothing as 0 and not as minus 0."""
    return f"{round(value, decimals) + 0.0:{sign}.{decimals}f}".replace("-", "\u2212")


def _interval(number: Number, decimals: int, *, sign: str = "-", times: float = 1.0) -> str:
    """Write a figure and its interval, which a narrow page does not break."""
    value, low, high = (
        _fixed(times * each, decimals, sign) for each in (number["value"], number["low"], number["high"])
    )
    return f"{value} ({low}\u00a0to\u00a0{high})"


def _hazard_ratio(log_ratio: float) -> str:
    """Write a ratio, and only that it is huge or tiny where next to nothing is known of it."""
    if abs(log_ratio) > math.log(1000):
        return "over\u00a01000" if log_ratio > 0 else "under\u00a00.001"
    return f"{math.exp(log_ratio):.2f}"


def _with_error(number: dict[str, float]) -> str:
    return f"{_fixed(number['value'], 4)} (se\u00a0{number['standard_error']:.4f})"


def _moments(number: dict[str, float] | None) -> str:
    return "unknown" if number is None else f"{_fixed(number['mean'], 2)} ({number['sd']:.2f})"


def _p_value(chance: float) -> str:
    return "below 0.001" if chance < 0.001 else f"{chance:.3f}"


FILTERS: dict[str, Callable[..., str]] = {
    "benefit": lambda value: "unknown" if value is None else _fixed(1000 * value, 1),  # per 1,000 patients
    "hazard_ratio": _hazard_ratio,
    "hundredths": lambda number: _interval(number, 1, times=100),
    "moments": _moments,
    "p_value": _p_value,
    "percent": lambda share: f"{100 * share:.1f}\u00a0%",
    "plus": lambda difference: _fixed(difference, 2, "+"),
    "ratio": lambda number: _interval(number, 2),
    "sentence": lambda line: f"{line[:1].upper()}{line[1:].rstrip('.')}.",
    "signed": lambda number, decimals: _interval(number, decimals, sign="+"),
    "small": lambda number: _interval(number, 4),
    "tenth": lambda value: _fixed(value, 1),
    "with_error": _with_error,
}
