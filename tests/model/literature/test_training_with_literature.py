"""A study of one's own with published cohorts beside it, trained by the command."""

import hashlib
import json

import pytest

from model.train import main as train
from tests.model.builders import FOUND_BY_TEST, HEAD

LITERATURE = """
reservations = ["It is <made up>."]
[size]
column = "x"
log_mean = 0.0
log_sd = 0.3
source = "nowhere"
[visits]
planned = [6, 12, 18]
spread = 0.0
attendance = 1.0
weight = 8.0
returning = 1.0
source = "nowhere"
[visits.done]
scan = 1.0
[[cohort]]
id = "one"
title = "One & only"
source = "a paper"
mark = "V"
row = "one"
published = ["20 patients"]
n = 20
recurrences = 3
counts = ["recurrence"]
size = { low = 0.5, high = 2 }
follow_up = { months = 20, what = "median" }
assumed = ["everything"]
"""


@pytest.fixture
def paths(tmp_path):
    """Sixty patients, a quarter of whom have a recurrence found by the scan at month 12."""
    folder = tmp_path / "cohort"
    folder.mkdir()
    rows = range(60)
    found = [i % 4 == 0 for i in rows]
    (folder / "patients.csv").write_text("patient_id,x\n" + "".join(f"{i},{0.5 + i % 3}\n" for i in rows))
    visits = "".join(f"{i},6,negative\n{i},12,{'positive' if found[i] else 'negative'}\n" for i in rows)
    (folder / "visits.csv").write_text("patient_id,time,scan\n" + visits)
    outcomes = "".join(f"{i},12,recurrence\n" if found[i] else f"{i},{20 + i % 7},none\n" for i in rows)
    (folder / "outcomes.csv").write_text("patient_id,time,event\n" + outcomes)
    study = HEAD.format(until=6.0, horizon=12.0).replace("[12.0, 12.0]", "[6.0, 12.0]") + FOUND_BY_TEST.format(
        start=0.8, max=0.9, half_time=6.0
    )
    (tmp_path / "own.toml").write_text(study)
    return tmp_path


def command(paths, *more):
    arguments = ["--cohort", str(paths / "cohort"), "--study", str(paths / "own.toml"), "--out", str(paths / "out")]
    return train([*arguments, "--learner", "linear", *more])


def test_the_file_beside_the_study_is_held_against_the_model_and_shown_first(paths, capsys):
    (paths / "own_literature.toml").write_text(LITERATURE)
    assert command(paths) == 0
    folder = paths / capsys.readouterr().out.strip()
    published = json.loads((folder / "audit.json").read_text())["literature"]
    assert published["pooled"]["observed"] == 3
    assert 0 < published["pooled"]["expected"] < 20
    assert published["left_out_one"] is None
    assert published["sha256"] == hashlib.sha256(LITERATURE.encode()).hexdigest()
    page = (folder / "audit.html").read_text()
    places = [page.index(f'<h2 id="{name}">') for name in ("answer", "literature", "event-recurrence")]
    assert places == sorted(places)
    assert "It is &lt;made up&gt;." in page
    assert "One &amp; only" in page
    assert published["short"] in page


def test_a_file_that_is_named_goes_first_and_its_mistakes_stop_the_training(paths, capsys):
    (paths / "own_literature.toml").write_text(LITERATURE)
    (paths / "other.toml").write_text(LITERATURE.replace("scan = 1.0", "scan = 1.5\nlook = -1"))
    assert command(paths, "--literature", str(paths / "other.toml")) == 2
    lines = [line.replace(str(paths), "DIR") for line in capsys.readouterr().err.splitlines()]
    assert [line.split(": ")[:2] for line in lines] == [
        ["DIR/other.toml:16", "visits.done.scan"],
        ["DIR/other.toml:17", "visits.done.look"],
    ]
    assert not (paths / "out").exists()


def test_without_a_file_nothing_is_said_of_the_literature(paths, capsys):
    assert command(paths) == 0
    folder = paths / capsys.readouterr().out.strip()
    assert "literature" not in json.loads((folder / "audit.json").read_text())
    assert 'id="literature"' not in (folder / "audit.html").read_text()
