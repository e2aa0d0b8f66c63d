"""From the store to the answers of monitoring."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from model.monitoring import drift
from model.monitoring.calibration import MIN_PATIENTS, Calibration, calibrate, calibration_rows
from model.monitoring.tally import counts_of_patients
from model.monitoring.use import Use, add_up_use, use_in_training
from service.api.answers import model_ref
from service.api.outgoing_monitoring import CalibrationOut, DriftOut, DriftRulesOut
from service.monitoring.reading import calendar_of, watched_in_chunks

if TYPE_CHECKING:
    from datetime import date

    from model.saved.artifact import LoadedModel
    from service.store.database import Database

# Of the patients drawn for the intervals: the same records give the same answer.
SEED = 0


def calibration_answer(model: LoadedModel, database: Database, today: date) -> CalibrationOut:
    """Judge the model on everybody in the store."""
    predictor, calendar = model.predictor, calendar_of(database, today)
    made = datetime.fromisoformat(model.manifest["created"]).date()
    rng = np.random.default_rng(SEED)
    found, n_patients, n_others = Calibration.empty(predictor, calendar), 0, 0
    with threadpool_limits(limits=1):  # sums must not depend on the machine
        for watched, others in watched_in_chunks(database, predictor.study, calendar):
            count = counts_of_patients(rng, len(watched))
            found += calibrate(predictor, watched, count, calendar=calendar, model_day=np.datetime64(made))
            n_patients += len(watched)
            n_others += others
    rows = calibration_rows(found, predictor, calendar, np.datetime64(made))
    return CalibrationOut(
        model=model_ref(model), model_made=made, as_of=today, patients=n_patients, another_study=n_others, **rows
    )


def drift_answer(model: LoadedModel, database: Database, today: date) -> DriftOut:
    """Hold the inputs of everybody in the store against those of training."""
    predictor, calendar = model.predictor, calendar_of(database, today)
    study, inputs = predictor.study, drift.inputs_of(predictor, model.facts)
    found, n_patients, n_others = drift.Drift.empty(predictor, calendar), 0, 0
    use = Use.empty(calendar.n_quarters, len(study.marker) + len(study.test))
    for watched, others in watched_in_chunks(database, study, calendar):
        found += drift.add_up(predictor, watched, inputs, calendar)
        use += add_up_use(watched, calendar)
        n_patients += len(watched)
        n_others += others
    return DriftOut(
        model=model_ref(model),
        as_of=today,
        patients=n_patients,
        another_study=n_others,
        inputs=drift.drift_rows(
            found,
            use,
            inputs,
            calendar,
            n_trained=model.facts["patients"],
            trained=use_in_training(study, model.facts),
        ),
        rules=DriftRulesOut(
            min_patients=MIN_PATIENTS,
            large_difference=drift.LARGE_DIFFERENCE,
            large_share=drift.LARGE_SHARE,
            false_alarm=drift.FALSE_ALARM,
        ),
    )
