"""docs/study-file.md: every key is explained, its examples are study files, and its figures are the default study's."""

import re
from pathlib import Path

import pytest

from model.study import conflict
from model.study import entries as tables
from model.study.definition import Study
from model.study.file import DEFAULT_STUDY, parse_study, read_study

PAGE = (Path(__file__).parents[2] / "docs" / "study-file.md").read_text(encoding="utf-8")
TABLES = (
    Study, tables.Event, tables.BaselineHazard, tables.Baseline, tables.Prior, tables.Marker, tables.Test,
    tables.Sensitivity, tables.Strata, conflict.Conflict, conflict.Span, tables.Policy,
)  # fmt: skip
# Keys that are tables themselves have a headline, or a row that shows how they are written.
WRITTEN = {
    **{name: f"### `[[{name}]]`" for name in ("event", "baseline", "marker", "test", "strata", "conflict")},
    "policy": "### `[policy]`",
    "sees": "| `[test.sees.EVENT]`",
    "prior": "| `[event.prior]`",
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_key_is_explained(table):
    rows = set(re.findall(r"^\| `([a-z_0-9]+)` \|", PAGE, re.MULTILINE)) | {"source"}
    named = rows | {key for key, written in WRITTEN.items() if written in PAGE}
    assert set(table.model_fields) - named == set()


def test_the_examples_are_study_files():
    examples = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    assert [parse_study(text, file="example.toml").name for text in examples] == ["gep_net_small", "gep_net"]


def test_the_figures_of_growth_and_of_the_tests_are_those_of_the_default_study():
    study = read_study(DEFAULT_STUDY)
    local, nodal, distant, death = study.event
    assert f"`lead`, are {local.lead}, {nodal.lead} and {distant.lead} months" in PAGE
    hazards = [f"{event.prior.cumulative_hazard:.3f}" for event in study.event]
    assert "cumulative hazard of {}, {} and {} by 120 months with power 0.6".format(*hazards[:3]) in PAGE
    assert f"{hazards[3]} with power {death.prior.power}" in PAGE
    for test in study.test:
        seen = test.sees.items()
        sees = [f"{at}: {v.start:.2f}, {v.max:.2f}, {v.half_time:.1f}, {v.shape:.2f}, {v.first:.2f}" for at, v in seen]
        assert f"| `{test.name}` | {'<br>'.join(sees)} | {test.cost:g} | {test.burden_days:g} |" in PAGE


def test_the_priors_are_those_of_the_default_study():
    study = read_study(DEFAULT_STUDY)

    def cell(baseline, event):
        priors = baseline.prior.get(event, ())
        levels = [f"{prior.level}: " if prior.level else "" for prior in priors]
        effects = [f"{prior.log_hazard_ratio:g} ± {prior.sd:g}" for prior in priors]
        return "; ".join(map("".join, zip(levels, effects, strict=True))) or "-"

    for baseline in study.baseline:
        cells = [cell(baseline, event) for event in study.event_names]
        assert f"| `{baseline.name}` | {baseline.group} | {' | '.join(cells)} |" in PAGE


def test_the_conflict_is_that_of_the_default_study():
    (found,) = read_study(DEFAULT_STUDY).conflict
    g1, g2, g3 = (found.ranges[level] for level in ("G1", "G2", "G3"))
    spans = f"G1 below {g1.below:g} %, G2 {g2.at_least:g} to {g2.at_most:g} %, G3 above {g3.above:g} %"
    assert f"`[[conflict]]`: `{found.column}` by `{found.number}`, {spans}" in PAGE
    assert f"where `{found.raised_by}` is known" in PAGE
    assert f"Source: {found.source}" in PAGE
