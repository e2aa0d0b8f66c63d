"""The audit as one page that explains itself: html with its figures inside, the same bytes for the same document."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from model.audit.baselines import ALIKE, COX
from model.audit.figures import calibration_figure, decision_figure
from model.audit.out_of_fold import PRIOR
from model.audit.strata import STRATA
from model.audit.summary import verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.audit.resampling import Number


def render(audit: dict[str, Any], facts: dict[str, Any]) -> str:
    """Write the report.

    Parameters
    ----------
    audit : the document of `model.audit.run.run`
    facts : `title` of the study, `version`, `synthetic` (True, False, or None for unknown), `about` (of the cohort),
        `sha256` (file name to sum), `seed`, `command` that makes the audit again; where there are any, `effects`, rows
        {event, input, per, estimate, low, high (log hazard ratios), prior {mean, sd, source} or None, prior_weight}
    """
    environment = Environment(
        loader=PackageLoader("model.audit"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(ratio=_ratio, small=_small, signed=_signed, percent=_percent, hazard_ratio=_hazard_ratio)
    environment.filters.update(with_error=_with_error, benefit=_benefit)
    effects = sorted(facts.get("effects", ()), key=lambda row: -abs(row["estimate"]))
    sections = [_section(audit, event, effects) for event in audit["events"]]
    text = environment.get_template("audit.html").render(audit=audit, facts=facts, sections=sections)
    return text.rstrip() + "\n"


def _section(audit: dict[str, Any], event: dict[str, Any], effects: list[dict[str, Any]]) -> dict[str, Any]:
    """Gather everything about one event."""

    def of_event(key: str) -> list[dict[str, Any]]:
        return [row for row in audit[key] if row["event"] == event["name"]]

    baselines = {(row["name"], row["landmark"], row["horizon"]): row for row in of_event("baselines")}
    rows = of_event("by_horizon")
    curves = of_event("curves")
    decisions = of_event("decision_curve")
    label = event["label"]
    names = {ALIKE: "No covariates", COX: "Cox", STRATA: _strata_name(audit["rules"]["strata"]), PRIOR: "Prior alone"}
    pictured = "the numbers are in the table below."
    alt = f"Calibration of {label}: predicted against observed by group of risk; {pictured}"
    decision_alt = f"Net benefit for {label} by the risk at which one would act; {pictured}"
    return {
        **event,
        "rows": [
            {
                **row,
                "cox": baselines.get((COX, row["landmark"], row["horizon"])),
                "alike": baselines.get((ALIKE, row["landmark"], row["horizon"])),
            }
            for row in rows
        ],
        "baselines": [{**row, "label": names[row["name"]]} for row in of_event("baselines")],
        "effects": [row for row in effects if row["event"] == event["name"]],
        "conventional": of_event("conventional"),
        "one_step": of_event("one_step"),
        "curves": curves,
        "figure": _picture(calibration_figure, curves, name=f"figure-{event['name']}", alt=alt),
        "decisions": decisions,
        "decision_figure": _picture(decision_figure, decisions, name=f"decision-{event['name']}", alt=decision_alt),
        "verdict": verdict(label, rows, by_test=event["observed"] == "test"),
    }


def _picture(draw: Callable[..., str], rows: list[dict[str, Any]], *, name: str, alt: str) -> str | None:
    return draw(rows, name=name, alt=alt) if rows else None


def _strata_name(strata: list[dict[str, Any]]) -> str:
    """Say what the strata are, like "Size (cut at 10, 20) by Grade"."""
    cuts = [f" (cut at {', '.join(f'{cut:g}' for cut in by['cuts'])})" if by["cuts"] else "" for by in strata]
    return " by ".join(by["label"] + cut for by, cut in zip(strata, cuts, strict=True))


def _hazard_ratio(log_ratio: float) -> str:
    return f"{math.exp(log_ratio):.2f}"


def _ratio(number: Number) -> str:
    """Two decimals and the interval."""
    return f"{number['value']:.2f} ({number['low']:.2f} to {number['high']:.2f})".replace("-", "\u2212")


def _small(number: Number) -> str:
    """Four decimals and the interval, for Brier scores and distances."""
    return f"{number['value']:.4f} ({number['low']:.4f} to {number['high']:.4f})".replace("-", "\u2212")


def _signed(number: Number, decimals: int) -> str:
    """Write a difference with its sign and interval."""
    value, low, high = (f"{number[key]:+.{decimals}f}".replace("-", "\u2212") for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _with_error(number: dict[str, float]) -> str:
    """Four decimals and the standard error."""
    value = f"{number['value']:.4f}".replace("-", "\u2212")
    return f"{value} (se {number['standard_error']:.4f})"


def _benefit(value: float | None) -> str:
    """Net true positives per 1,000 patients."""
    return "unknown" if value is None else f"{1000 * value:.1f}".replace("-", "\u2212")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
