"""A small curve with its band, as points of an SVG drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.api.outgoing_risk import CurveOut

WIDTH, HEIGHT = 240.0, 120.0
TOPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Chart:
    """One event's curve in drawing units; y grows downwards. `line` and `band` are SVG point lists."""

    name: str
    label: str
    line: str
    band: str
    top: float
    months: float


def charts(curves: Iterable[CurveOut], labels: dict[str, str]) -> list[Chart]:
    """Draw every curve on one scale, so that events can be compared by eye."""
    curves = list(curves)
    highest = max(point.high for curve in curves for point in curve.points)
    top = next(top for top in TOPS if highest <= top or top == TOPS[-1])
    return [_chart(curve, labels[curve.name], top) for curve in curves]


def _chart(curve: CurveOut, label: str, top: float) -> Chart:
    months = curve.points[-1].months

    def points(pairs: Iterable[tuple[float, float]]) -> str:
        return " ".join(f"{WIDTH * month / months:.1f},{HEIGHT * (1 - value / top):.1f}" for month, value in pairs)

    line = points((point.months, point.probability) for point in curve.points)
    upper = points((point.months, point.high) for point in curve.points)
    lower = points((point.months, point.low) for point in reversed(curve.points))
    return Chart(curve.name, label, line, f"{upper} {lower}", top, months)
