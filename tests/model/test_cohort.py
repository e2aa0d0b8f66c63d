import csv
import io
from datetime import date, timedelta

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from model.study.file import DEFAULT_STUDY, parse_study, read_study
from model.tables.cohort import read_cohort
from model.types import NEGATIVE, NOT_DONE, POSITIVE
from synthetic_data.cohort import draw_tables
from synthetic_data.variants import VARIANTS
from tests.model.tables import OUTCOMES, PATIENTS, SMALL, STUDY, VISITS, write_tables

NAN = np.nan
EVENTS_ONLY = parse_study(
    'name = "e"\ntitle = "E"\ntime_unit = "months"\nlandmark_every = 6.0\nlandmark_until = 6.0\nhorizons = [6.0]\n'
    '[[event]]\nname = "death"\nrole = "target"\nobserved = "exact"\n',
    file="e.toml",
)


def swapped(table, *pairs):
    for old, new in pairs:
        assert old in table
        table = table.replace(old, new, 1)
    return table


def assert_same_arrays(left, right):
    for part in ("baseline", "visit_month", "marker", "test"):
        np.testing.assert_array_equal(getattr(left.histories, part), getattr(right.histories, part), strict=True)
    for part in ("exit_month", "cause", "last_negative_month"):
        np.testing.assert_array_equal(getattr(left.outcomes, part), getattr(right.outcomes, part), strict=True)
    assert left.patient_id == right.patient_id


def test_three_patients_become_the_arrays_one_would_write_by_hand(tmp_path):
    cohort = read_cohort(write_tables(tmp_path), SMALL)
    assert cohort.patient_id == ["A", "B", "C"]
    assert cohort.centre == [None, None, None]
    # age, ki67, ratio, invasion, margin (R0 R1 R2), grade (G1 G2)
    np.testing.assert_array_equal(
        cohort.histories.baseline, [[60, 2, 1, 0, 0, 0], [71, NAN, 2.5, 1, 2, 1], [55, 30, NAN, NAN, NAN, NAN]]
    )
    # B's visits are sorted; C, never seen, stays.
    np.testing.assert_array_equal(cohort.histories.visit_month, [[12, 24], [6, 13], [np.inf, np.inf]])
    np.testing.assert_array_equal(cohort.histories.marker[:, :, 0], [[55, NAN], [70, 140], [NAN, NAN]])
    done = [[[NEGATIVE, NOT_DONE], [NEGATIVE, NEGATIVE]], [[NOT_DONE] * 2, [POSITIVE, NEGATIVE]], [[NOT_DONE] * 2] * 2]
    np.testing.assert_array_equal(cohort.histories.test, done)
    np.testing.assert_array_equal(cohort.outcomes.exit_month, [24, 13, 30])
    np.testing.assert_array_equal(cohort.outcomes.cause, [0, 1, 2])
    assert np.isnan(cohort.outcomes.last_negative_month).all()


def test_the_order_of_rows_does_not_matter(tmp_path):
    def reversed_rows(table):
        header, *rows = table.splitlines()
        return "\n".join([header, *reversed(rows)]) + "\n"

    folder = write_tables(
        tmp_path / "r", patients=PATIENTS, visits=reversed_rows(VISITS), outcomes=reversed_rows(OUTCOMES)
    )
    assert_same_arrays(read_cohort(write_tables(tmp_path / "f"), SMALL), read_cohort(folder, SMALL))


@pytest.mark.parametrize("by_date", [{"visits"}, {"outcomes"}, {"visits", "outcomes"}])
def test_dates_and_days_give_the_same_arrays(tmp_path, by_date):
    study = parse_study(STUDY.replace('"months"', '"days"'), file="s.toml")
    origin = {"A": date(2019, 12, 31), "B": date(2020, 2, 29), "C": date(2021, 1, 1)}

    def dated(table):
        rows = list(csv.DictReader(io.StringIO(table)))
        header = [{"time": "date"}.get(name, name) for name in rows[0]]
        moment = [(origin[row["patient_id"]] + timedelta(days=int(row["time"]))).isoformat() for row in rows]
        lines = [[*row.values()] for row in rows]
        return "\n".join(
            [",".join(header), *(",".join([line[0], day, *line[2:]]) for line, day in zip(lines, moment, strict=True))]
        )

    header, *rows = PATIENTS.splitlines()
    patients = "\n".join([f"{header},origin_date", *(f"{row},{origin[row[0]].isoformat()}" for row in rows)])
    tables = {"visits": VISITS + "C,0,9,,\n", "outcomes": OUTCOMES}
    by_time = read_cohort(write_tables(tmp_path / "time", **tables), study)
    tables |= {name: dated(tables[name]) for name in by_date}
    assert_same_arrays(by_time, read_cohort(write_tables(tmp_path / "date", patients=patients, **tables), study))
    assert by_time.histories.visit_month[2, 0] == 0
    assert by_time.outcomes.exit_month[2] == 30 / 30.4375


def test_years_become_months(tmp_path):
    outcomes = "patient_id,time,event,last_negative_time\nA,24,none,\nB,13,recurrence,12.5\nC,30,death,\n"
    folder = write_tables(tmp_path, outcomes=outcomes)
    cohort = read_cohort(folder, parse_study(STUDY.replace('"months"', '"years"'), file="s.toml"))
    np.testing.assert_array_equal(cohort.outcomes.exit_month, [288, 156, 360])
    np.testing.assert_array_equal(cohort.outcomes.last_negative_month, [NAN, 150, NAN])
    assert cohort.histories.visit_month[1, 0] == 72


def test_csv_and_parquet_give_the_same_arrays(tmp_path):
    study = read_study(DEFAULT_STUDY)
    tables = draw_tables(VARIANTS["default"], patients=300, seed=2)
    for form in ("csv", "parquet"):
        (tmp_path / form).mkdir()
    for name in ("patients", "visits", "outcomes"):
        pyarrow.csv.write_csv(tables[name], tmp_path / "csv" / f"{name}.csv")
        pq.write_table(tables[name], tmp_path / "parquet" / f"{name}.parquet")
    from_csv, from_parquet = (read_cohort(tmp_path / form, study) for form in ("csv", "parquet"))
    assert_same_arrays(from_csv, from_parquet)
    assert len(from_csv) == 300
    assert np.isnan(from_csv.histories.baseline).any()
    assert from_csv.sha256.keys() == {"patients.csv", "visits.csv", "outcomes.csv"}


def test_without_markers_and_tests_no_visits_are_needed(tmp_path):
    (tmp_path / "patients.csv").write_text("patient_id\nA\nB\n")
    (tmp_path / "outcomes.csv").write_text("patient_id,time,event\nA,3,death\nB,4,none\n")
    cohort = read_cohort(tmp_path, EVENTS_ONLY)
    assert cohort.histories.baseline.shape == (2, 0)
    assert cohort.histories.visit_month.shape == (2, 0)


def test_a_cohort_nobody_of_which_came_back_is_read(tmp_path):
    cohort = read_cohort(write_tables(tmp_path, visits="patient_id,time,cga,ct,mri\n"), SMALL)
    assert cohort.histories.test.shape == (3, 0, 2)


def test_centres_and_the_cohorts_own_description_are_kept(tmp_path):
    patients = "patient_id,age,centre\nA,60,north\nB,71,\nC,55,south\n"
    folder = write_tables(tmp_path, patients=patients)
    (folder / "about.json").write_text('{"title": "Three", "synthetic": true}')
    cohort = read_cohort(folder, SMALL)
    assert cohort.centre == ["north", None, "south"]
    assert cohort.about == {"title": "Three", "synthetic": True}
    assert np.isnan(cohort.histories.baseline[:, 1:]).all()


def test_unknown_columns_only_warn_and_are_not_used(tmp_path):
    folder = write_tables(
        tmp_path,
        patients=swapped(PATIENTS, ("ki67", "ki_67"), ("ratio", "invasion2")),
        outcomes=OUTCOMES.replace("\n", ",x\n"),
    )
    cohort = read_cohort(folder, SMALL)
    assert cohort.warnings == (
        'patients.csv: ki_67: unknown column, ignored; is it "ki67"?',
        "patients.csv: invasion2: unknown column, ignored",
        "outcomes.csv: x: unknown column, ignored",
    )
    assert np.isnan(cohort.histories.baseline[:, 1:3]).all()


@pytest.mark.parametrize("name", ["row", "month", "index"])
def test_a_study_may_use_any_name_it_is_allowed(tmp_path, name):
    study = parse_study(STUDY.replace('name = "cga"', f'name = "{name}"'), file="s.toml")
    cohort = read_cohort(write_tables(tmp_path / "renamed", visits=VISITS.replace("cga", name)), study)
    assert_same_arrays(cohort, read_cohort(write_tables(tmp_path / "plain"), SMALL))
