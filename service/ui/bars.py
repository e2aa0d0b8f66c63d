"""Signed bars of what each group of inputs does to the hazard, as shapes of an SVG drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.api.outgoing_risk import GroupOut

WORDS = {
    "demographics": "Demographics",
    "imaging": "Imaging",
    "pathology": "Pathology",
    "biomarker": "Biomarkers",
    "treatment": "Treatment",
    "surveillance": "Surveillance",
    "time": "Time",
    "interplay": "Interplay",
}
TOGETHER = "All together"
ROW_HEIGHT, MIDDLE, REACH = 22.0, 165.0, 65.0
# Small effects are drawn small: the longest bar stands for half as much again at least.
LEAST_SCALE = math.log(1.5)
# Below this the shown factor is 1.00, and a bar has no direction.
NOTHING = math.log(1.005)


@dataclass(frozen=True)
class Bar:
    """One group's bar; to the right and filled it raises the hazard, to the left and hollow it lowers it."""

    label: str
    log_hazard: float
    left: float
    width: float
    top: float

    @property
    def direction(self) -> str:
        """Which way the hazard goes."""
        return "none" if abs(self.log_hazard) < NOTHING else "up" if self.log_hazard > 0 else "down"


@dataclass(frozen=True)
class BarChart:
    """One event's bars, the sum of all as the last."""

    label: str
    bars: tuple[Bar, ...]
    height: float


def bar_charts(groups: Sequence[GroupOut], labels: Mapping[str, str]) -> list[BarChart]:
    """Draw each event's groups on one scale; groups that do nothing to any event are summed up but not drawn."""
    telling = [group for group in groups if any(abs(effect) >= NOTHING for effect in group.effect.values())]
    rows = {event: [(WORDS[group.group], group.effect[event]) for group in telling] for event in labels}
    for event, row in rows.items():
        row.append((TOGETHER, sum(group.effect[event] for group in groups)))
    longest = max(LEAST_SCALE, *(abs(effect) for row in rows.values() for _, effect in row))
    return [_chart(labels[event], row, longest) for event, row in rows.items()]


def _chart(label: str, row: Sequence[tuple[str, float]], longest: float) -> BarChart:
    bars = []
    for place, (name, effect) in enumerate(row):
        width = REACH * abs(effect) / longest
        bars.append(Bar(name, effect, MIDDLE - width if effect < 0 else MIDDLE, width, place * ROW_HEIGHT))
    return BarChart(label, tuple(bars), len(row) * ROW_HEIGHT)
