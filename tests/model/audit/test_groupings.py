import numpy as np

from model.audit.groupings import groupings
from model.study.entries import Prior, Strata
from model.tables.cohort import Cohort
from model.types import Histories
from tests.model.builders import outcomes
from tests.model.tables import SMALL

NAN = np.nan
# age, ki67, ratio, invasion, margin, grade
BASELINE = np.array(
    [
        [30.0, 1.0, NAN, 0.0, 0.0, 0.0],
        [40.0, 2.0, NAN, 1.0, 2.0, 1.0],
        [50.0, NAN, NAN, NAN, 2.0, NAN],
        [60.0, 20.0, NAN, 0.0, NAN, 0.0],
        [70.0, 3.0, NAN, 1.0, 0.0, 1.0],
        [80.0, NAN, NAN, NAN, 0.0, 1.0],
    ]
)


def cohort(study=SMALL, centre=("b", "a", None, "a", "b", "a"), years=(2001, 2001, 2002, 2003, 2004, None)):
    n = len(BASELINE)
    history = Histories(BASELINE, np.zeros((n, 0)), np.zeros((n, 0, 1)), np.zeros((n, 0, 2), np.int8))
    date = None if years is None else np.array([f"{y}-06-01" if y else "NaT" for y in years], dtype="datetime64[D]")
    names = [str(i) for i in range(n)]
    return Cohort(study, names, list(centre), history, outcomes(np.full(n, 9.0), np.zeros(n)), {}, origin_date=date)


def members(found):
    """Levels and who is in them, by grouping."""
    return {
        each.name: {level: np.flatnonzero(each.of_patient == k).tolist() for k, level in enumerate(each.levels)}
        for each in found
    }


def test_required_and_demographic_columns_centre_and_time_sort_patients():
    found = members(groupings(cohort()))
    # Thirds of 30 .. 80 end at 46.7 and 63.3. Nothing is published in this study; margin and grade are not asked for.
    assert found == {
        "centre": {"a": [1, 3, 5], "b": [0, 4], "not recorded": [2]},
        "age": {"under 46.7": [0, 1], "46.7 to under 63.3": [2, 3], "63.3 or more": [4, 5]},
        "origin_year": {"2001": [0, 1], "2002": [2], "2003": [3], "2004": [4], "not recorded": [5]},
    }


def test_strata_and_published_effects_sort_patients_and_blanks_are_counted():
    effect = {"recurrence": (Prior(log_hazard_ratio=1.0, sd=1.0, source="x"),)}
    published = [
        item.model_copy(update={"prior": effect} if item.name in ("ki67", "invasion") else {})
        for item in SMALL.baseline
    ]
    study = SMALL.model_copy(
        update={"strata": (Strata(column="age", cuts=(50.0,)), Strata(column="margin")), "baseline": tuple(published)}
    )
    found = members(groupings(cohort(study, centre=[None] * 6, years=None)))
    assert found == {
        "age": {"under 50": [0, 1], "50 or more": [2, 3, 4, 5]},  # a cut belongs to the band above it
        "ki67": {"under 2": [0], "2 to under 3": [1], "3 or more": [3, 4], "not recorded": [2, 5]},
        "invasion": {"no": [0, 3], "yes": [1, 4], "not recorded": [2, 5]},
        "margin": {"R0": [0, 4, 5], "R2": [1, 2], "not recorded": [3]},
        "blank": {"none": [0, 1, 3, 4], "two or more": [2, 5]},
    }


def test_years_are_joined_into_few_periods_of_whole_years():
    many = cohort(years=(2000, 2001, 2003, 2006, 2007, 2009))
    period = next(each for each in groupings(many) if each.name == "origin_year")
    assert period.levels == ("2000 to 2001", "2003", "2006 to 2007", "2009")
