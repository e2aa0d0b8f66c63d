"""Calibration of a model in use: observed over expected by calendar quarter, and by horizon once that has passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from model.audit.judged import MIN_EVENTS
from model.audit.metrics import ratio
from model.audit.resampling import N_DRAWS, number
from model.audit.run import audited_landmarks
from model.monitoring.alarm import FACTOR, QUARTERS_PER_FALSE_ALARM, charts
from model.monitoring.looks import Looks, looks_for_any, looks_from_landmark, looks_one_step_ahead
from model.monitoring.quarters import Calendar, month_of
from model.monitoring.tally import Tally, tally

if TYPE_CHECKING:
    from model.monitoring.alarm import Chart
    from model.monitoring.watched import Watched
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.types import FloatArray

Row = dict[str, Any]

# With fewer patients in a cell nothing is said about it: a figure could be about somebody.
MIN_PATIENTS = 10
# Columns of the table after the quarters: all of them together, and what came after the model was made.
EXTRA = ("all", "since the model")


@dataclass(frozen=True)
class Calibration:
    """Sums over patients.

    Attributes
    ----------
    by_quarter : (n_events, n_quarters + 2), columns as in EXTRA last
    by_horizon : (n_events, n_landmarks, n_horizons)

    Events are those of the study and, where it has several targets, any of them.
    """

    by_quarter: Tally
    by_horizon: Tally

    @classmethod
    def empty(cls, predictor: Predictor, calendar: Calendar) -> Self:
        """No patients yet."""
        n_events, horizons = len(events_of(predictor.study)), predictor.study.horizon_months
        return cls(
            Tally.empty(n_events, calendar.n_quarters + len(EXTRA)),
            Tally.empty(n_events, len(_landmarks(predictor)), len(horizons)),
        )

    def __add__(self, other: Calibration) -> Calibration:
        """Sums over both groups of patients."""
        return Calibration(self.by_quarter + other.by_quarter, self.by_horizon + other.by_horizon)


def events_of(study: Study) -> tuple[str | None, ...]:
    """Events that are judged: the study's, then None for any target where there are several."""
    return (*study.event_names, None) if len(study.targets) > 1 else study.event_names


def calibrate(
    predictor: Predictor, watched: Watched, count: FloatArray, *, calendar: Calendar, model_day: np.datetime64
) -> Calibration:
    """Judge a chunk of patients.

    Parameters
    ----------
    count : (1 + n_draws, n_patients) how often each patient counts
    model_day : when the model was made
    """
    study = predictor.study
    n_quarters = calendar.n_quarters

    def in_quarters(looks: Looks) -> Tally:
        day = watched.day(looks.patient, looks.month)
        later = day > model_day
        cell = [calendar.place(day), np.full(len(looks), n_quarters), np.full(int(later.sum()), n_quarters + 1)]
        every = Looks.join([looks, looks, looks.select(later)])
        return tally(every, np.concatenate(cell), count, n_cells=n_quarters + len(EXTRA))

    gone_by = month_of(watched.origin_day, calendar.today)

    def in_horizons(looks: Looks, landmark: float) -> Tally:
        parts, cell = [], []
        for place, horizon in enumerate(study.horizon_months):
            end = landmark + horizon
            over = looks.within(np.where(gone_by >= end, end, -np.inf))
            parts.append(over)
            cell.append(np.full(len(over), place))
        return tally(Looks.join(parts), np.concatenate(cell), count, n_cells=len(parts))

    def judged(looks: list[Looks]) -> list[Looks]:
        return [*looks, looks_for_any(study.targets, looks)] if len(events_of(study)) > len(looks) else looks

    def from_landmark(landmark: float) -> Tally:
        over = gone_by >= landmark + study.horizon_months[0]
        looks = judged(looks_from_landmark(predictor, watched, landmark, among=over))
        return Tally.stack([in_horizons(each, landmark) for each in looks])

    return Calibration(
        Tally.stack([in_quarters(looks) for looks in judged(looks_one_step_ahead(predictor, watched))]),
        Tally.stack([from_landmark(landmark) for landmark in _landmarks(predictor)]),
    )


def calibration_rows(found: Calibration, predictor: Predictor, calendar: Calendar, model_day: np.datetime64) -> Row:
    """Turn the sums into `by_quarter`, `to_date`, `by_horizon`, `alarms` and the `rules` behind them: plain values."""
    study, quarters = predictor.study, range(calendar.n_quarters)
    events = list(enumerate(events_of(study)))
    table = found.by_quarter
    return {
        "by_quarter": [
            {
                "event": name,
                "quarter": calendar.name(quarter),
                "over": quarter < calendar.n_over,
                "since_the_model": calendar.begins_after(model_day, quarter),
                **_figures(table, (event, quarter)),
            }
            for event, name in events
            for quarter in quarters
        ],
        "to_date": [
            {"event": name, "period": period, **_figures(table, (event, calendar.n_quarters + place))}
            for event, name in events
            for place, period in enumerate(EXTRA)
        ],
        "by_horizon": [
            {"event": name, "landmark": at, "horizon": horizon, **_figures(found.by_horizon, (event, place, step))}
            for event, name in events
            for place, at in enumerate(_landmarks(predictor))
            for step, horizon in enumerate(study.horizon_months)
        ],
        "alarms": [
            _alarm(name, chart, calendar)
            for event, name in events
            for chart in _charts(table, event, calendar, len(events))
        ],
        "rules": {
            "draws": N_DRAWS,
            "min_events": MIN_EVENTS,
            "min_patients": MIN_PATIENTS,
            "alarm_factor": FACTOR,
            "quarters_per_false_alarm": QUARTERS_PER_FALSE_ALARM,
        },
    }


def _figures(table: Tally, cell: tuple[int, ...]) -> Row:
    """Show one cell, as far as it has enough patients and events."""
    patients = int(table.patients[cell])
    if patients < MIN_PATIENTS:
        withheld = dict.fromkeys(("visits", "observed", "expected", "beside", "awaiting", "ratio"))
        return {"patients": patients, **withheld, "too_few": f"too few patients ({patients})"}
    observed, expected = (np.moveaxis(each, 0, -1)[cell] for each in (table.observed, table.expected))
    events = round(float(observed[0]))
    enough = events >= MIN_EVENTS and expected[0] > 0
    return {
        "patients": patients,
        "visits": int(table.visits[cell]),
        "observed": events,
        "expected": float(expected[0]),
        "beside": int(table.beside[cell]),
        "awaiting": int(table.awaiting[cell]),
        "ratio": number(ratio(observed, expected)) if enough else None,
        "too_few": None if enough else f"too few events ({events})",
    }


def _charts(table: Tally, event: int, calendar: Calendar, n_events: int) -> tuple[Chart, Chart]:
    over = slice(calendar.n_over)
    observed, expected = table.observed[0, event, over], table.expected[0, event, over]
    return charts(observed, table.awaiting[event, over].astype(np.float64), expected, n_charts=2 * n_events)


def _alarm(event: str | None, chart: Chart, calendar: Calendar) -> Row:
    since, first = (None if place is None else calendar.name(place) for place in (chart.since, chart.first))
    return {
        "event": event,
        "looks_for": "more events than expected" if chart.factor > 1 else "fewer events than expected",
        "alarm": since is not None,
        "since": since,
        "first": first,
        "score": float(chart.score[-1]) if len(chart.score) else 0.0,
        "limit": chart.limit,
    }


def _landmarks(predictor: Predictor) -> list[float]:
    return audited_landmarks(predictor.study, supported_until=predictor.supported_until_month)
