import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.monitoring.quarters import Calendar, day_of, first_day, month_of, name_of, quarter_of


def days(*texts):
    return np.array(texts, dtype="datetime64[D]")


def test_quarters_begin_in_january_april_july_and_october():
    found = quarter_of(days("2024-03-31", "2024-04-01", "2024-06-30", "2024-07-01", "2024-12-31", "1969-12-31"))
    assert [name_of(quarter) for quarter in found] == [
        "2024-Q1",
        "2024-Q2",
        "2024-Q2",
        "2024-Q3",
        "2024-Q4",
        "1969-Q4",
    ]
    assert (
        first_day(found).tolist()
        == days("2024-01-01", "2024-04-01", "2024-04-01", "2024-07-01", "2024-10-01", "1969-10-01").tolist()
    )


@given(st.dates(), st.integers(0, 60_000))
def test_a_day_s_month_leads_back_to_the_day(origin, later):
    origin_day = np.array([origin], dtype="datetime64[D]")
    day = origin_day + later
    assert day_of(origin_day, month_of(origin_day, day)) == day


def test_the_calendar_goes_up_to_the_quarter_that_is_not_over():
    calendar = Calendar.between(np.datetime64("2024-02-29"), np.datetime64("2025-01-01"))
    assert (calendar.n_quarters, calendar.n_over) == (5, 4)
    assert [calendar.name(place) for place in range(5)] == ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4", "2025-Q1"]
    assert calendar.place(days("2024-01-01", "2025-01-01")).tolist() == [0, 4]
    assert [calendar.begins_after(np.datetime64("2024-04-01"), place) for place in (1, 2)] == [False, True]


def test_an_earliest_day_ahead_of_today_counts_as_today():
    calendar = Calendar.between(np.datetime64("2025-01-01"), np.datetime64("2024-12-31"))
    assert calendar.n_quarters == 1
