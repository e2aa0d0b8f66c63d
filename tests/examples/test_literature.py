import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from examples.literature.__main__ import LITERATURE, main
from examples.literature.donors import completed
from examples.truth.cohorts import draw
from model.learning.fitting import fit_predictor
from model.literature.patients import draw_histories
from model.literature.published import read_literature
from model.saved.artifact import encode, save, version_of
from model.study.file import DEFAULT_STUDY, read_study

STUDY = read_study(DEFAULT_STUDY)
PUBLISHED = read_literature(LITERATURE, STUDY)


@pytest.mark.parametrize("cohort", PUBLISHED.cohort, ids=[each.id for each in PUBLISHED.cohort])
def test_the_page_in_docs_is_about_the_cohorts_of_the_shipped_file(cohort):
    followed, counts = f"{cohort.follow_up.what} {cohort.follow_up.months:g}", ", ".join(cohort.counts)
    row = f"| {cohort.title} | {cohort.n} | {followed} | {counts} | {cohort.recurrences} |"
    assert row in Path("docs/literature.md").read_text(encoding="utf-8")


def test_completing_leaves_what_is_known_and_gives_pathology_of_that_grade(rng):
    cohort = next(each for each in PUBLISHED.cohort if each.id == "four-centre-10-20-mm")
    drawn = draw_histories(STUDY, cohort, PUBLISHED.size, PUBLISHED.visits, np.full(2000, 50.0), rng=rng)
    whole = completed(STUDY, drawn, rng).baseline
    known = ~np.isnan(drawn.baseline)
    assert (whole[known] == drawn.baseline[known]).all()
    names = [column.name for column in STUDY.baseline]
    grade, ki67 = whole[:, names.index("grade")], whole[:, names.index("ki67_percent")]
    assert ki67[grade == 0].max() < 3 <= ki67[grade == 1].min()
    assert not np.isnan(whole[:, names.index("depth")]).any()


@pytest.fixture
def artifact(tmp_path):
    known = draw("default", STUDY, patients=400, seed=3)
    small = fit_predictor(STUDY, known.histories, known.cohort.outcomes, seed=1)[0]
    files = encode(small, DEFAULT_STUDY.read_text(encoding="utf-8"), {"model_facts.json": "{}"})
    created, about = datetime(2026, 1, 1, tzinfo=UTC), {"synthetic": True}
    return save(tmp_path, version_of("rnet", files), files, created=created, about=about)[0]


def test_the_command_writes_page_and_numbers_and_never_over_a_folder(artifact, tmp_path, capsys):
    arguments = ["--out", str(tmp_path / "out"), "--artifact", str(artifact), "--patients", "20"]
    assert main(arguments) == 0
    short = capsys.readouterr().out.strip()
    page = (tmp_path / "out" / "literature.md").read_text(encoding="utf-8")
    document = json.loads((tmp_path / "out" / "literature.json").read_text(encoding="utf-8"))
    assert f"**{short}**" in page
    assert artifact.name in page
    assert all(cohort.title in page for cohort in PUBLISHED.cohort)
    assert len(document["variants"]) == 5
    assert main(arguments) == 2
    assert main(["--out", str(tmp_path / "other"), "--artifact", str(tmp_path / "nothing")]) == 2
    assert not (tmp_path / "other").exists()
    assert capsys.readouterr().err.count("\n") == 2
