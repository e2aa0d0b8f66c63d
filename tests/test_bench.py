"""The benchmark suite runs, and what it compares does the work that it says."""

import json

import pytest

from benchmarks import __main__ as command
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
    assert [row.n for row in rows] == [250, 250, 1, 1, 250, 250, 250]
    assert all(row.ratio > 0 for row in rows)


@pytest.mark.filterwarnings("ignore")
def test_the_command_prints_a_table_and_writes_the_same_figures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(timing, "ROUNDS", 1)
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    assert command.main(["--patients", "250"]) == 0
    shown, written = capsys.readouterr().out, json.loads((tmp_path / "results.json").read_text())
    assert shown.count("\n") == 2 + len(written["rows"])
    assert all(f"| {row['name']} ({row['n']}) |" in shown for row in written["rows"])
