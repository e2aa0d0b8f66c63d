"""Trap: software that reads levels from the table at hand crashes on one patient, and pays for levels nobody has."""

import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from model.tables.cohort import read_cohort
from tests.model.tables import write_tables
from tests.model.traps.cohorts import drawn, study_of_three


def test_a_table_of_one_patient_with_one_level_of_everything_predicts(predictor, tmp_path):
    tables = {
        "patients": "patient_id,age,ki67,ratio,invasion,margin,grade\nA,60,2.0,1,0,R0,G1\n",
        "visits": "patient_id,time,cga,ct,mri\nA,6,55,negative,\n",
        "outcomes": "patient_id,time,event\nA,7,recurrence\n",
    }
    alone = read_cohort(write_tables(tmp_path / "one", **tables), predictor.study)
    forecast = predictor.predict(alone.histories, np.array([6.0]))
    assert forecast.incidence.shape[:2] == (1, 3)
    assert ((forecast.at(12.0) > 0) & (forecast.at(12.0) < 1)).all()


def test_one_patient_has_the_columns_and_the_answer_that_she_has_among_all(cohort, predictor):
    histories, outcomes = cohort
    here = np.flatnonzero(outcomes.exit_month > 12.0)
    now = np.full(len(here), 12.0)
    among_all, scores = (ask(histories.select(here), now) for ask in (predictor.predict, predictor.scores))
    for row in range(0, len(here), 29):
        alone = histories.select(here[[row]])
        assert predictor.scores(alone, now[:1])[0] == pytest.approx(scores[row], abs=1e-12)
        assert predictor.predict(alone, now[:1]).incidence[0] == pytest.approx(among_all.incidence[row], abs=1e-12)


@pytest.mark.parametrize(("blank", "apart"), [(0.0, 1e-7), (0.15, 3e-3)])
def test_a_level_that_nobody_has_changes_no_answer(rng, blank, apart):
    # Nobody's margin is R2. A study that does not even know of it gives everybody the same probabilities. With blanks
    # they are a hair apart: how much is read from one column into another hangs on the number of columns.
    people = drawn(rng, 300, blank=blank)
    known, unknown = (
        fit_predictor(study_of_three(margin_levels=levels), *people, seed=1)[0].predict(people[0], np.zeros(300))
        for levels in (("R0", "R1", "R2"), ("R0", "R1"))
    )
    assert known.incidence == pytest.approx(unknown.incidence, rel=apart)


def test_a_level_that_nobody_had_in_training_is_still_answered(cohort, predictor):
    histories, _ = cohort
    one = histories.select(np.array([0]))
    one.baseline[0, 4] = 2  # R2
    forecast = predictor.predict(one, np.zeros(1))
    assert ((forecast.at(12.0) > 0) & (forecast.at(12.0) < 1)).all()
