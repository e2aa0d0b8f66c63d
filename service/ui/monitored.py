"""What the page of monitoring shows, worked out before the template sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.study.definition import Study
    from service.api.outgoing_monitoring import CalibrationOut, DriftOut, InputDriftOut, QuarterOut

# Quarters that are shown at once; earlier ones unfold.
LATEST, LATEST_USE = 8, 5


@dataclass(frozen=True)
class Drifted:
    """One way in which an input differs in a quarter."""

    row: InputDriftOut
    what: str
    usual: str
    now: str


@dataclass(frozen=True)
class MonitoringPage:
    """The page of monitoring; the latest quarters first.

    Attributes
    ----------
    quarters, earlier : names; `cells` holds what was found by (quarter, event)
    drifted : what differs, a line per input, quarter and way
    use_of, use : names of the quarters with visits, and by marker or test what was recorded in each of them
    """

    judged: CalibrationOut
    given: DriftOut
    events: list[str | None]
    quarters: list[str]
    earlier: list[str]
    cells: dict[tuple[str, str | None], QuarterOut]
    drifted: list[Drifted]
    use_of: list[str]
    use: dict[str, list[InputDriftOut]]


def monitoring_page(study: Study, judged: CalibrationOut, given: DriftOut) -> MonitoringPage:
    """Sort the answers of monitoring into tables."""
    quarters = list(dict.fromkeys(row.quarter for row in reversed(judged.by_quarter)))
    at_visits = [row for row in reversed(given.inputs) if row.kind != "baseline"]
    use_of = list(dict.fromkeys(row.quarter for row in at_visits if row.share is not None))[:LATEST_USE]
    use: dict[str, list[InputDriftOut]] = {}
    for row in at_visits:
        if row.quarter in use_of:
            use.setdefault(row.label, []).append(row)
    return MonitoringPage(
        judged=judged,
        given=given,
        events=list(dict.fromkeys(row.event for row in judged.by_quarter)),
        quarters=quarters[:LATEST],
        earlier=quarters[LATEST:],
        cells={(row.quarter, row.event): row for row in judged.by_quarter},
        drifted=[each for row in reversed(given.inputs) for each in _drifted(study, row)],
        use_of=use_of,
        use=dict(reversed(use.items())),
    )


def _drifted(study: Study, row: InputDriftOut) -> list[Drifted]:
    """Say in words what differs."""
    words = {
        "mean": ("value", _mean(study, row, row.usual_mean), _mean(study, row, row.mean)),
        "share": ("how often recorded", _percent(row.usual_share), _percent(row.share)),
        "use": (
            "how often recorded, at visits as long after the origin",
            _percent(row.trained_share),
            _percent(row.share),
        ),
    }
    return [Drifted(row, *words[what]) for what in row.drift]


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.0f} %"


def _mean(study: Study, row: InputDriftOut, mean: float | None) -> str:
    """Show a mean on the scale that people know; of something yes or no, and of a level, its share."""
    if mean is None:
        return "unknown"
    item = next(each for each in [*study.baseline, *study.marker] if each.name == row.input)
    if row.level is not None or getattr(item, "kind", "number") == "binary":
        return _percent(mean)
    if getattr(item, "kind", "number") == "ordinal":
        return f"level {mean + 1:.1f} on average"
    back = {"log": math.exp, "log1p": math.expm1, "none": float}[row.transform](mean)
    rounded = float(f"{back:.3g}")
    return f"{rounded:.10g} {item.unit or ''} {'on average' if row.transform == 'none' else 'typically'}"
