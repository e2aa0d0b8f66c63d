from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from model.audit.external.held_out import by_centre, by_time
from model.errors import BadInputError
from tests.model.audit.known import cohort_of
from tests.model.builders import exact_study, no_visits, outcomes


def cohort(events, *, centre=None, day=None):
    n = len(events)
    made = cohort_of(exact_study(), no_visits(np.zeros(n)), outcomes(np.full(n, 9.0), np.array(events)))
    day = None if day is None else np.array(day, dtype="datetime64[D]")
    return replace(made, centre=[None] * n if centre is None else centre, origin_date=day)


def test_small_centres_are_held_out_together_and_the_unnamed_never():
    # Ten deaths in b and in c; 6 and 4 in a and d; two patients of whom the centre is not known.
    centre = ["b"] * 12 + ["c"] * 10 + ["a"] * 7 + ["d"] * 4 + [None] * 2
    found = by_centre(cohort([1] * 10 + [0] * 2 + [1] * 10 + [1] * 6 + [0] + [1] * 4 + [1] * 2, centre=centre))
    assert found.names == ("b", "c", "smaller centres (2)")
    assert found.part.tolist() == [0] * 12 + [1] * 10 + [2] * 11 + [-1] * 2


def test_small_centres_that_have_too_few_events_together_are_always_learned_from():
    found = by_centre(cohort([1] * 29, centre=["b"] * 10 + ["c"] * 10 + ["a"] * 9))
    assert found.names == ("b", "c")
    assert found.part.tolist() == [0] * 10 + [1] * 10 + [-1] * 9


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (lambda: by_centre(cohort([1] * 40)), "patients: centre: leaving out centre by centre needs to know"),
        (lambda: by_centre(cohort([1] * 40, centre=["a"] * 40)), "patients: centre: fewer than two centres"),
        (lambda: by_time(cohort([1] * 40), None), "patients: origin_date: to judge later patients, the days"),
        (
            lambda: by_time(cohort([1] * 40, day=["2020-01-01"] * 40), date(2020, 1, 1)),
            "patients: origin_date: 0 patients have their origin before 2020-01-01 and a target event, 10 are needed",
        ),
        (
            lambda: by_time(cohort([1] * 40, day=["2020-01-01"] * 40), date(2020, 1, 2)),
            "patients: origin_date: 0 patients have their origin from 2020-01-02 and a target event, 10 are needed",
        ),
        (
            lambda: by_time(cohort([0] * 40, day=["2020-01-01"] * 40), None),
            "patients: origin_date: 0 patients with a target event have a day of origin, 20 are needed",
        ),
    ],
)
def test_what_cannot_be_taken_apart_is_refused_in_one_line(made, rule):
    with pytest.raises(BadInputError) as caught:
        made()
    assert str(caught.value).startswith(rule)


def test_the_last_third_of_the_events_is_later_unless_a_day_is_given():
    day = np.datetime64("2020-01-01") + np.arange(60)
    # Events on the first 30 days only: two thirds of them came before day 20.
    made = cohort([1] * 30 + [0] * 30, day=day)
    found = by_time(made, None)
    assert found.names == ("from 2020-01-21",)
    assert found.part.tolist() == [-1] * 20 + [0] * 40
    asked = by_time(made, date(2020, 1, 11))
    assert asked.part.tolist() == [-1] * 10 + [0] * 50


def test_patients_without_a_day_are_learned_from():
    day = np.datetime64("2020-01-01") + np.arange(60)
    day[40:] = "NaT"
    assert by_time(cohort([1] * 60, day=day), date(2020, 1, 21)).part.tolist() == [-1] * 20 + [0] * 20 + [-1] * 20
