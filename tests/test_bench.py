"""The benchmark suite runs, and what it compares does the work that it says."""

import pytest

from benchmarks import timing
from benchmarks.suite import Bench
from benchmarks.timing import compare
from synthetic_data.__main__ import main as write_synthetic_cohort


def test_both_run_in_turn_and_ours_over_theirs_is_told():
    runs = []
    found = compare("a", "b", 6, lambda: runs.append("ours"), lambda: runs.append("theirs"))
    assert runs == ["ours", "theirs"] * (1 + timing.ROUNDS)
    assert found.per_second == pytest.approx(6 / found.ours_seconds)


@pytest.mark.filterwarnings("ignore")  # lifelines on rare columns
def test_every_part_of_the_suite_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "ROUNDS", 1)
    write_synthetic_cohort(["--patients", "250", "--seed", "1", "--out", str(tmp_path / "cohort")])
    rows = list(Bench(tmp_path / "cohort").run())
    assert [row.n for row in rows] == [250, 250, 1, 250, 250, 250]
    assert all(row.ratio > 0 for row in rows)
