"""What was done at the training patients' visits, by time since the origin: so that like is compared with like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model.types import NOT_DONE

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray

# Months since the origin at which each period begins; the last has no end.
PERIODS = (0.0, 12.0, 24.0, 60.0)


def period_of(month: FloatArray) -> IntArray:
    """Number the periods that hold these months since the origin."""
    return np.asarray(np.searchsorted(PERIODS[1:], month, side="right"))


def recordable(study: Study) -> list[str]:
    """Name what may be recorded at a visit: markers, then tests."""
    return [item.name for item in study.marker] + [item.name for item in study.test]


def recorded_at_visits(histories: Histories) -> tuple[IntArray, FloatArray, BoolArray]:
    """List every visit: whose it is and its month, (n_visits,); and what was recorded, (n_visits, n)."""
    who, visit = np.nonzero(np.isfinite(histories.visit_month))
    measured = ~np.isnan(histories.marker[who, visit])
    done = histories.test[who, visit] != NOT_DONE
    return who, histories.visit_month[who, visit], np.concatenate([measured, done], axis=1)


def visit_facts(study: Study, histories: Histories) -> dict[str, Any]:
    """Count visits by period, and at how many of them each marker was measured and each test done."""
    _, month, recorded = recorded_at_visits(histories)
    period = period_of(month)

    def count(of: IntArray) -> list[int]:
        return [int(n) for n in np.bincount(of, minlength=len(PERIODS))]

    return {
        "from_month": [*PERIODS],
        "visits": count(period),
        "recorded": {name: count(period[recorded[:, place]]) for place, name in enumerate(recordable(study))},
    }
