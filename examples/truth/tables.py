"""Markdown tables, a line at a time, so that a long command shows how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.audit.resampling import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.types import FloatArray


def header(*names: str) -> Iterator[str]:
    """The first two lines of a table."""
    yield line(*names)
    yield "|" + "---|" * len(names)


def line(*cells: object) -> str:
    """One line of a table; whole numbers of months and counts lose their decimals."""
    return "| " + " | ".join(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"


def with_interval(draws: FloatArray, digits: int = 3) -> str:
    """A metric under `patient_weights`, (1 + n_draws,), as value (low to high)."""
    figure = number(draws)
    return f"{figure['value']:.{digits}f} ({figure['low']:.{digits}f} to {figure['high']:.{digits}f})"
