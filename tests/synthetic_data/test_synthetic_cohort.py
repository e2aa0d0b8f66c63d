import ast
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import synthetic_data
from synthetic_data.__main__ import main
from synthetic_data.arrays import BLOCK
from synthetic_data.cohort import draw_parts, draw_tables
from synthetic_data.detection import SEES
from synthetic_data.parameters import CAUSES, TESTS
from synthetic_data.tables import FolderNotEmptyError, write_cohort
from synthetic_data.variants import DEFAULT, VARIANTS


def test_nothing_happens_after_the_outcome_and_no_visit_twice(frames):
    visits = frames["visits"].merge(frames["outcomes"], on="patient_id", suffixes=("", "_outcome"))
    assert (visits["time"] <= visits["time_outcome"]).all()
    assert (visits["time"] > 0.0).all()
    assert not visits.duplicated(["patient_id", "time"]).any()
    assert frames["patients"]["patient_id"].is_unique
    assert list(frames["patients"]["patient_id"]) == list(frames["outcomes"]["patient_id"])


def test_a_recurrence_has_a_positive_test_that_sees_it_at_its_very_time_and_nothing_else_is_positive(frames):
    visits = frames["visits"].merge(frames["outcomes"], on="patient_id", suffixes=("", "_outcome"))
    positive = visits[list(TESTS)].eq("positive").to_numpy()
    recurred = visits["event"].isin(CAUSES) & (visits["time"] == visits["time_outcome"])
    assert recurred.sum() == frames["outcomes"]["event"].isin(CAUSES).sum()
    assert np.array_equal(positive.any(axis=1), recurred)
    cause = visits["event"].map({c: i for i, c in enumerate(CAUSES)})[recurred].astype(int).to_numpy()
    assert np.all((positive[recurred] & SEES.T[cause]).any(axis=1))


def test_truth_holds_what_happens_before_death(frames):
    truth = frames["truth"]
    for cause in CAUSES:
        lesion, onset = truth[f"lesion_{cause}"], truth[f"onset_{cause}"]
        assert (onset > lesion)[onset.notna()].all()
        assert lesion[onset.notna()].notna().all()
        assert not (lesion >= truth["death_time"]).any()


def test_death_in_the_outcomes_is_death_in_the_truth(frames):
    died = frames["outcomes"]["event"] == "death"
    assert died.sum() > 100
    gap = frames["outcomes"]["time"][died] - frames["truth"]["death_time"][died]
    assert gap.abs().max() < 0.006


def test_more_is_blank_early_and_after_mild_pathology(frames):
    patients = frames["patients"]
    early = pd.to_datetime(patients["origin_date"]).dt.year < 2010
    blank = patients["grade"].isna()
    assert blank[early].mean() > 1.5 * blank[~early].mean()
    # Lymphovascular invasion is read on the same slide: where it is reported, grade is blank less often
    invaded = patients["lymphovascular_invasion"]
    assert blank[invaded == 1].mean() < 0.7 * blank[invaded == 0].mean()


def test_every_technique_and_arm_occurs_and_worse_tumours_go_to_surgery(frames):
    patients = frames["patients"]
    assert patients["technique"].nunique() == 9
    radical = patients["technique"] == "radical_surgery"
    middle = patients["size_mm"].between(10.0, 20.0)
    assert (
        radical[middle & (patients["grade"] == "G2")].mean()
        > 1.5 * radical[middle & (patients["grade"] == "G1")].mean()
    )


def test_the_first_patients_are_the_same_in_a_cohort_of_any_size(frames):
    few = draw_tables(DEFAULT, patients=40, seed=3)
    for name, table in few.items():
        of_these = frames[name][frames[name]["patient_id"] <= "P0000040"].reset_index(drop=True)
        pd.testing.assert_frame_equal(table.to_pandas(), of_these)


def files_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_same_seed_same_bytes_and_another_seed_others(tmp_path, table_format):
    for folder, seed in (("one", 8), ("two", 8), ("other", 9)):
        command = ["--patients", str(BLOCK + 7), "--seed", str(seed), "--format", table_format]
        assert main([*command, "--out", str(tmp_path / folder)]) == 0
    one, two, other = (files_of(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one[f"outcomes.{table_format}"] != other[f"outcomes.{table_format}"]


def test_csv_and_parquet_hold_the_same_cohort(tmp_path):
    for table_format in ("csv", "parquet"):
        assert main(["--patients", "200", "--format", table_format, "--out", str(tmp_path / table_format)]) == 0
    for name in ("patients", "visits", "outcomes", "truth"):
        from_csv = pd.read_csv(tmp_path / f"csv/{name}.csv")
        from_parquet = pd.read_parquet(tmp_path / f"parquet/{name}.parquet")
        assert list(from_csv) == list(from_parquet)
        assert from_csv.isna().equals(from_parquet.isna())
        number = from_csv.select_dtypes("number").columns
        assert np.allclose(from_csv[number], from_parquet[number].astype(float), equal_nan=True)


def test_about_says_that_the_cohort_is_synthetic(tmp_path):
    assert main(["--variant", "small-centre", "--out", str(tmp_path / "c")]) == 0
    about = json.loads((tmp_path / "c/about.json").read_text())
    assert about["synthetic"] is True
    assert about["command"].startswith("python -m synthetic_data --variant small-centre --patients 300 --seed 0")
    assert str(tmp_path) not in json.dumps(about)
    assert len(pd.read_csv(tmp_path / "c/patients.csv")) == 300


def test_a_folder_with_content_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("keep me")
    assert main(["--patients", "10", "--out", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failure_half_way_leaves_nothing_behind(tmp_path):
    def parts():
        yield next(draw_parts(DEFAULT, patients=10, seed=0)).tables()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cohort(tmp_path / "cohort", parts(), {}, table_format="csv")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FolderNotEmptyError):
        write_cohort(tmp_path.parent, iter(()), {}, table_format="csv")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--patients", "0"],
        ["--seed", "-1"],
        ["--patients", "many"],
        ["--variant", "nonsense"],
        ["--plan", "no-such-file"],
    ],
)
def test_bad_arguments_end_with_exit_code_2(tmp_path, arguments, capsys):
    try:
        code = main([*arguments, "--out", str(tmp_path / "c")])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_memory_does_not_grow_with_the_cohort(tmp_path):
    peaks = []
    for blocks in (1, 2, 5):  # the first only warms up
        tracemalloc.start()
        held = pa.total_allocated_bytes()
        arrow = []

        def parts(blocks=blocks, arrow=arrow):
            for part in draw_parts(DEFAULT, patients=blocks * BLOCK, seed=1):
                yield part.tables()
                arrow.append(pa.total_allocated_bytes())

        write_cohort(tmp_path / str(blocks), parts(), {}, table_format="parquet")
        peaks.append(tracemalloc.get_traced_memory()[1] + max(arrow) - held)
        tracemalloc.stop()
    assert peaks[2] <= 1.2 * peaks[1]


def test_the_generator_imports_neither_model_nor_service():
    roots = set()
    for path in Path(synthetic_data.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add((node.module or "").split(".")[0])
    assert not roots & {"model", "service"}


def lesions_within_ten_years(variant):
    part = next(draw_parts(VARIANTS[variant], patients=BLOCK, seed=6))
    return part.world, (part.world.lesions.lesion_month <= 120.0).any(axis=1)


def test_hazards_order_as_their_names_say():
    half, usual, double = (lesions_within_ten_years(v)[1].mean() for v in ("half-hazard", "default", "double-hazard"))
    assert 1.5 < usual / half < 2.0
    assert 1.5 < double / usual < 2.0


def test_centres_differ_in_case_mix_and_hazard():
    world, _ = lesions_within_ten_years("multi-centre")
    large = [np.mean(world.patients.size_mm[world.patients.centre == c] > 20.0) for c in range(8)]
    assert max(large) > 0.2
    assert min(large) < 0.05
    assert len(np.unique(world.patients.centre_log_hazard)) > 4


def test_hazard_drifts_down_and_early_g2_hides_among_g1():
    world, _ = lesions_within_ten_years("drift")
    hidden = (world.recorded["grade"].to_pandas() == "G1").to_numpy() & (world.patients.grade == 2)
    assert hidden.any()
    assert np.all(world.patients.origin_year[hidden] < 2013.0)
    assert world.recorded["ki67_percent"].to_pandas()[hidden].max() < 3.0


def test_strong_markers_rise_before_detection():
    def cga_a_year_before(variant):
        part = next(draw_parts(VARIANTS[variant], patients=BLOCK, seed=6))
        visits, course = part.course.visits, part.course
        wait = course.month[visits.patient] - visits.month
        soon = np.isin(course.event[visits.patient], [2, 3]) & (wait > 6.0) & (wait < 18.0)
        return np.nanmedian(visits.markers[soon, 0])

    assert cga_a_year_before("strong-markers") > 1.5 * cga_a_year_before("default")


def test_heavy_missing_blanks_more_of_everything():
    usual, heavy = (draw_tables(VARIANTS[v], patients=2_000, seed=1)["patients"] for v in ("default", "heavy-missing"))
    for name in ("grade", "margin", "depth", "nlr", "lymphovascular_invasion"):
        assert heavy[name].null_count > 1.4 * usual[name].null_count
