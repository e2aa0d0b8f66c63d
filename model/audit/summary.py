"""The answer in plain words, worked out from the document: fit for what, and not for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Verdict:
    """What the figures of one event say.

    Attributes
    ----------
    answer : fit for what, in one sentence
    off : landmarks and horizons at which observed and predicted numbers disagree, in words
    unjudged : landmarks and horizons without figures, in words
    """

    answer: str
    off: tuple[str, ...]
    unjudged: tuple[str, ...]


def verdict(label: str, rows: Sequence[dict[str, Any]], *, by_test: bool) -> Verdict:
    """Judge one event by its rows of `by_horizon`.

    Numbers agree where the interval of observed/expected covers 1; patients are ranked where that of AUC is above 0.5;
    each patient's own probability is worth having where that of the scaled Brier score is above 0. The last is not said
    of events found by tests, whose Brier score is worse than the model deserves.
    """
    judged = [row for row in rows if row["too_few"] is None]
    off = [row for row in judged if not row["oe"]["low"] <= 1 <= row["oe"]["high"]]
    return Verdict(
        answer=f"{label}: {_answer(judged, n_off=len(off), by_test=by_test)}.",
        off=tuple(f"{_place(row)} ({_times(row['oe']['value'])})" for row in off),
        unjudged=tuple(f"{_place(row)} ({row['too_few']})" for row in rows if row["too_few"] is not None),
    )


def _answer(judged: Sequence[dict[str, Any]], *, n_off: int, by_test: bool) -> str:
    if not judged:
        return "not judged, there is too little to judge it by"
    ranked, better = (sum(row[key]["low"] > limit for row in judged) for key, limit in (("auc", 0.5), ("ipa", 0.0)))
    low, high = min(row["oe"]["low"] for row in judged), max(row["oe"]["high"] for row in judged)
    own = "" if by_test else f"; single probabilities beat one number for everyone {_of(better, len(judged))}"
    return (
        f"predicted and observed numbers agree within their uncertainty {_of(len(judged) - n_off, len(judged))} "
        f"(observed/expected: all intervals lie between {low:.2f} and {high:.2f}); patients who came to have it had "
        f"been given higher risks than the others, more than by chance, {_of(ranked, len(judged))}{own}"
    )


def _of(part: int, whole: int) -> str:
    if part == whole:
        return "in the one comparison" if whole == 1 else f"in all {whole} comparisons"
    return f"in {part or 'none'} of {whole} comparisons"


def _place(row: dict[str, Any]) -> str:
    return f"month {row['landmark']:g} + {row['horizon']:g}"


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times as many as predicted"
