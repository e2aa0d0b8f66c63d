"""Risks of many patients as one long table: a row per question (whose, as of when), event and horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from model.errors import BadInputError, NotSupportedError
from model.forecast import Forecast
from model.tables.cohort_rules import months, row_of, strangers, unknown_columns
from model.tables.columns import ColumnRule, check_columns
from model.types import POSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from model.predictor import Predictor
    from model.study.definition import Study
    from model.tables.cohort import Records
    from model.tables.set_aside import SetAside
    from model.tables.table_file import Table
    from model.types import BoolArray, FloatArray, Histories, IntArray

# A band holds every draw of every patient at once, and is quickest while these fit into the processor's cache.
AT_ONCE_WITH_BANDS = 50
AT_ONCE = 1000


@dataclass(frozen=True)
class Questions:
    """Whose risk, as of when.

    Attributes
    ----------
    patient : (n_questions,) places in the records; a patient may stand several times
    landmark : (n_questions,) moments in the study's unit
    """

    patient: IntArray
    landmark: FloatArray

    def __len__(self) -> int:
        """Count the questions."""
        return len(self.patient)

    def select(self, index: slice | BoolArray) -> Self:
        """Return some of the questions."""
        return type(self)(self.patient[index], self.landmark[index])

    def as_of_month(self, study: Study) -> FloatArray:
        """Put the moments on the core's clock."""
        return months(pd.Series(self.landmark), study).to_numpy(dtype=np.float64)


def supported_until(predictor: Predictor) -> float:
    """Last moment that the model answers for, in the study's unit."""
    return round(predictor.supported_until_month / predictor.study.months_per_unit, 6)


def ask_all(n_patients: int, landmark: float, predictor: Predictor) -> Questions:
    """Ask for every patient at one moment; raises NotSupportedError where the model has no answer."""
    latest = supported_until(predictor)
    if not 0 <= landmark <= latest:
        raise NotSupportedError(
            f"landmark {landmark:g} is not within what the model supports, 0 to {latest:g} {predictor.study.time_unit}"
        )
    return Questions(np.arange(n_patients), np.full(n_patients, float(landmark)))


def ask_rows(
    table: Table, records: Records, predictor: Predictor, aside: SetAside | None = None
) -> tuple[Questions, list[str]]:
    """Ask as a table with columns `patient_id` and `landmark` says; returns (questions, warnings).

    Raises BadInputError for rows about nobody, and for moments that the model does not support; where `aside` takes
    them, these rows are left out instead.
    """
    if aside is not None:
        return aside.sound_rows(table, lambda left: ask_rows(left, records, predictor))
    bounds = (0.0, supported_until(predictor))
    rules = [
        ColumnRule("patient_id", "text", required=True),
        ColumnRule("landmark", "number", required=True, bounds=bounds),
    ]
    frame, problems = check_columns(table, rules)
    patients = pd.DataFrame({"patient_id": records.patient_id})
    problems += strangers(table, frame, patients)
    if problems:
        raise BadInputError(sorted(problems, key=lambda p: (p.line or 0, p.column or "")))
    row = row_of(frame["patient_id"], patients).to_numpy(dtype=np.int64)
    return Questions(row, frame["landmark"].to_numpy(dtype=np.float64)), unknown_columns(table, rules)


def found_by_then(records: Records, questions: Questions) -> BoolArray:
    """Whether the patient is known to have had an event by the moment: dated in outcomes, or a positive test."""
    positive = (records.histories.test == POSITIVE).any(axis=2)
    found_month = np.where(positive, records.histories.visit_month, np.inf).min(axis=1, initial=np.inf)
    if records.outcomes is not None:
        dated = np.where(records.outcomes.cause > 0, records.outcomes.exit_month, np.inf)
        found_month = np.minimum(found_month, dated)
    return np.asarray(found_month[questions.patient] <= questions.as_of_month(records.study))


def not_followed_then(records: Records, questions: Questions) -> BoolArray:
    """Whether the patient is known to have left follow-up, without an event, before the moment."""
    if records.outcomes is None:
        return np.zeros(len(questions), dtype=bool)
    left_month = np.where(records.outcomes.cause == 0, records.outcomes.exit_month, np.inf)
    return np.asarray(left_month[questions.patient] < questions.as_of_month(records.study))


def checked_horizons(horizons: Sequence[float] | None, study: Study) -> FloatArray:
    """Return horizons in the study's unit, its own for None; raises NotSupportedError for none or beyond them."""
    asked = np.atleast_1d(np.asarray(study.horizons if horizons is None else horizons, dtype=np.float64))
    if not len(asked):
        raise NotSupportedError("no horizon was asked for: give one or more, or None for those of the study")
    outside = asked[~((asked >= 0) & (asked <= study.horizons[-1]))]
    if len(outside):
        longest = f"{study.horizons[-1]:g} {study.time_unit}"
        raise NotSupportedError(f"horizon {outside[0]:g} is not within what the model answers, 0 to {longest}")
    return asked


def risk_tables(
    predictor: Predictor, records: Records, questions: Questions, horizons: FloatArray, *, bands: bool, jobs: int = 1
) -> Iterator[pd.DataFrame]:
    """Answer some questions at a time, so that memory does not grow with their number.

    Parameters
    ----------
    horizons : (n_horizons,) past the moment, in the study's unit; at 0 stands what is present and not yet seen
    jobs : processes to use; the numbers do not depend on it

    Yields
    ------
    columns `question` (its place), `landmark`, `event`, `horizon`, `probability` and, with bands, `low` and `high`
    """
    size = AT_ONCE_WITH_BANDS if bands else AT_ONCE
    ask = delayed(_risks)
    tables: Iterator[pd.DataFrame] = Parallel(n_jobs=jobs, return_as="generator")(
        ask(predictor, records.histories.select(part.patient), part, first, horizons, bands=bands)
        for first in range(0, max(len(questions), 1), size)  # Nobody's answer has columns, too.
        for part in [questions.select(slice(first, first + size))]
    )
    return tables


def _risks(
    predictor: Predictor,
    histories: Histories,
    questions: Questions,
    first: int,
    horizons: FloatArray,
    *,
    bands: bool,
) -> pd.DataFrame:
    study = predictor.study
    as_of = questions.as_of_month(study)
    horizon_months = horizons * study.months_per_unit
    # One order of every sum, whatever the machine and the number of processes; what is no number is refused below.
    with threadpool_limits(limits=1), np.errstate(over="ignore", invalid="ignore"):
        forecasts = {"probability": _at(predictor.predict(histories, as_of), horizon_months)}
        if bands:
            draws = _at(predictor.predict_draws(histories, as_of), horizon_months)
            forecasts["low"], forecasts["high"] = draws.band()
    _require_finite(forecasts.values(), questions)
    n_events, n_horizons = len(study.event), len(horizons)
    return pd.DataFrame(
        {
            "question": np.repeat(np.arange(first, first + len(questions)), n_events * n_horizons),
            "landmark": np.repeat(questions.landmark, n_events * n_horizons),
            "event": np.tile(np.repeat(np.array(study.event_names, dtype=object), n_horizons), len(questions)),
            "horizon": np.tile(horizons, len(questions) * n_events),
            **{name: forecast.incidence.ravel() for name, forecast in forecasts.items()},
        }
    )


def _require_finite(forecasts: Iterable[Forecast], questions: Questions) -> None:
    """Refuse to answer with anything but numbers, as everywhere (`model/finite.py`), and say whose record it is."""
    no_number = ~np.all([np.isfinite(forecast.incidence).all(axis=(1, 2)) for forecast in forecasts], axis=0)
    if no_number.any():
        row = int(questions.patient[no_number].min()) + 1
        raise NotSupportedError(
            f"row {row} of patients: the model gives no finite number for this record; "
            "look for a value far from all others, and give its column a range in the study file"
        )


def _at(forecast: Forecast, horizon_months: FloatArray) -> Forecast:
    """Keep the horizons alone: a band over them need not be one over every step."""
    incidence = np.stack([forecast.at(horizon) for horizon in horizon_months], axis=-1)
    return Forecast(horizon_months, forecast.unseen, incidence)
