import re

import numpy as np
import pandas as pd
import pytest

from model.errors import BadInputError
from model.study.file import parse_study
from model.tables.cohort import cohort_from_frames, read_cohort, records_from_frames
from model.tables.table_frame import table_from_frame
from tests.model.tables import SMALL, STUDY, write_tables
from tests.model.test_cohort import EVENTS_ONLY, assert_same_arrays
from tests.model.test_cohort_faults import CASES, IN_ANY_FORMAT

NA = pd.NA


def text_frames(folder):
    """The tables of a folder as pandas reads them if every cell stays text."""
    return {
        name: pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False, na_values=[""])
        for name in ("patients", "visits", "outcomes")
    }


def typed_frames():
    """The very patients of `tests.model.tables` in the types that an analysis has them in."""
    patients = pd.DataFrame(
        {
            "patient_id": pd.Categorical(["A", "B", "C"]),
            "age": pd.array([60, 71, 55], dtype="Int64"),
            "ki67": [2.0, np.nan, 30.0],
            "ratio": pd.array([1.0, 2.5, NA], dtype="Float64"),
            "invasion": pd.array([False, True, NA], dtype="boolean"),
            "margin": pd.Categorical(["R0", "R2", None], categories=["R2", "R1", "R0"]),
            "grade": pd.array(["G1", "G2", NA], dtype="string"),
        }
    )
    visits = pd.DataFrame(
        {
            "patient_id": ["A", "A", "B", "B"],
            "time": np.array([12, 24, 13, 6], dtype=np.int32),
            "cga": pd.Series([55, None, 140.0, 70], dtype=object),
            "ct": ["negative", "negative", "positive", None],
            "mri": [np.nan, "negative", "negative", np.nan],
        }
    )
    outcomes = pd.DataFrame(
        {"patient_id": ["A", "B", "C"], "time": np.float32([24, 13, 30]), "event": ["none", "recurrence", "death"]}
    )
    return {"patients": patients, "visits": visits, "outcomes": outcomes}


def frame_errors(frames, study=SMALL):
    with pytest.raises(BadInputError) as caught:
        cohort_from_frames(**frames, study=study)
    return list(map(str, caught.value.problems))


def test_files_and_frames_of_text_or_of_real_types_give_the_same_arrays(tmp_path):
    folder = write_tables(tmp_path)
    from_files = read_cohort(folder, SMALL)
    assert_same_arrays(from_files, cohort_from_frames(**text_frames(folder), study=SMALL))
    assert_same_arrays(from_files, cohort_from_frames(**typed_frames(), study=SMALL))
    assert_same_arrays(
        from_files,
        cohort_from_frames(**{name: frame.convert_dtypes() for name, frame in typed_frames().items()}, study=SMALL),
    )


@pytest.mark.parametrize("case", IN_ANY_FORMAT)
def test_a_fault_in_a_frame_is_told_as_in_a_file_with_the_row_counted_from_1(tmp_path, case):
    tables, messages = CASES[case]
    folder = write_tables(tmp_path, **tables)
    expected = [
        re.sub(r"\.csv(?::(\d+))?", lambda m: f":{max(int(m[1]) - 1, 1)}" if m[1] else "", message)
        for message in messages
    ]
    assert sorted(frame_errors(text_frames(folder))) == sorted(expected)


def test_real_dates_place_visits_as_written_dates_do():
    study = parse_study(STUDY.replace('"months"', '"days"'), file="s.toml")
    frames = typed_frames()
    by_day = cohort_from_frames(**frames, study=study)
    origin = pd.to_datetime(["2020-02-29", "2021-01-01", "2019-12-31"])
    patients = frames["patients"].assign(origin_date=origin)
    born = dict(zip("ABC", origin, strict=True))
    for as_written in (False, True):
        dated = {}
        for name in ("visits", "outcomes"):
            frame = frames[name]
            day = frame["patient_id"].map(born) + pd.to_timedelta(frame["time"], unit="D")
            dated[name] = frame.drop(columns="time").assign(date=day.dt.date if as_written else day)
        assert_same_arrays(by_day, cohort_from_frames(patients, **dated, study=study))


def test_a_moment_within_a_day_is_not_rounded_to_it():
    frames = typed_frames()
    frames["patients"]["origin_date"] = pd.Timestamp(2020, 1, 1)
    date = pd.DatetimeIndex(["2020-02-01 00:00", "2020-03-01 00:00", "2020-02-01 09:30", "2020-01-15 00:00"])
    frames["visits"] = frames["visits"].drop(columns="time").assign(date=date)
    assert frame_errors(frames) == ["visits:3: date: must be a calendar date such as 2024-03-31 (value withheld)"]


@pytest.mark.parametrize(
    ("table", "column", "values", "messages"),
    [
        ("patients", "age", [60, "old", 55], ["patients:2: age: must be a number with a decimal point (value"]),
        ("patients", "age", [60, 71, np.inf], ["patients:3: age: must be from 18 to 100"]),
        ("patients", "age", [60, None, 55], ["patients:2: age: a value is required"]),
        ("patients", "age", pd.to_datetime(["2024"] * 3), [f"patients:{row}: age: must be a number" for row in "123"]),
        ("patients", "invasion", [True, "yes", None], [f"patients:{row}: invasion: must be 0 or 1" for row in "12"]),
        ("patients", "invasion", [0, 2, 1], ["patients:2: invasion: must be 0 or 1"]),
        ("patients", "margin", pd.Categorical(["R0", "R9", None]), ["patients:2: margin: must be one of R0, R1, R2"]),
        ("visits", "ct", [False, None, True, None], [f"visits:{row}: ct: must be one of negative" for row in "13"]),
        ("visits", "cga", [[55], [], None, {}], [f"visits:{row}: cga: must be a number" for row in "124"]),
        ("outcomes", "event", [0, 1, 2], [f"outcomes:{row}: event: must be one of none" for row in "123"]),
    ],
)  # fmt: skip
def test_what_a_cell_may_not_be_is_refused_not_made_to_fit(table, column, values, messages):
    frames = typed_frames()
    frames[table] = frames[table].assign(**{column: values})
    told = frame_errors(frames)
    assert len(told) == len(messages)
    assert all(line.startswith(message) for line, message in zip(told, messages, strict=True)), told


def test_numbers_identify_whatever_type_a_blank_has_given_them():
    frames = typed_frames()
    number = {"A": 1, "B": 2, "C": 3}
    for name, frame in frames.items():
        frames[name] = frame.assign(patient_id=frame["patient_id"].astype(object).map(number))
    cohort = cohort_from_frames(**frames, study=SMALL)
    assert cohort.patient_id == ["1", "2", "3"]
    frames["visits"].loc[0, "patient_id"] = None
    assert frames["visits"]["patient_id"].dtype == float
    assert frame_errors(frames) == ["visits:1: patient_id: a value is required"]
    frames["visits"] = frames["visits"].convert_dtypes()
    assert frame_errors(frames) == ["visits:1: patient_id: a value is required"]


def test_a_named_index_is_a_column_and_any_other_index_is_nothing():
    frames = typed_frames()
    plain = cohort_from_frames(**frames, study=SMALL)
    by_patient = {name: frame.set_index("patient_id") for name, frame in frames.items()}
    assert_same_arrays(plain, cohort_from_frames(**by_patient, study=SMALL))
    filtered = {name: frame.set_axis([7] * len(frame)) for name, frame in frames.items()}
    assert_same_arrays(plain, cohort_from_frames(**filtered, study=SMALL))
    frames["visits"] = frames["visits"].set_index("patient_id", drop=False)
    assert frame_errors(frames) == ["visits:1: columns 1 and 2 have the same name"]


def test_a_frame_is_not_changed_by_being_read():
    frames, before = typed_frames(), typed_frames()
    cohort_from_frames(**frames, study=SMALL)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_unknown_columns_may_hold_anything_and_are_named():
    frames = typed_frames()
    frames["patients"] = frames["patients"].assign(image=[np.zeros(2), "x", 3], ki_67=1.0).drop(columns="ki67")
    assert cohort_from_frames(**frames, study=SMALL).warnings == (
        "patients: image: unknown column, ignored",
        'patients: ki_67: unknown column, ignored; is it "ki67"?',
    )


def test_frames_that_are_not_there_or_hold_nobody():
    frames = typed_frames()
    assert frame_errors({**frames, "visits": None, "outcomes": frames["outcomes"][:0]}) == [
        "visits: a data frame is needed",
        "outcomes: the data frame has no rows",
    ]
    with pytest.raises(TypeError, match="patients must be a pandas data frame, not str"):
        table_from_frame("patients", "patients.csv")


def test_to_predict_neither_outcomes_nor_target_events_are_needed():
    frames = typed_frames()
    records = records_from_frames(frames["patients"], frames["visits"], SMALL)
    assert records.outcomes is None
    assert len(records) == 3
    # Without markers and tests not even visits.
    alone = records_from_frames(pd.DataFrame({"patient_id": ["A", "B"]}), None, EVENTS_ONLY)
    assert alone.histories.visit_month.shape == (2, 0)
