"""A guidelines file is checked like a study file: every mistake at once, with its line."""

import pytest

from model.errors import BadInputError
from model.guidelines.file import (
    DEFAULT_GUIDELINES,
    DEFAULT_TIERS,
    parse_guidelines,
    parse_tiers,
    read_guidelines,
    read_tiers,
)
from model.study.file import DEFAULT_STUDY, read_study

RNET = read_study(DEFAULT_STUDY)
SMALL = """
[when_missing]
grade = "G1"
[[guideline]]
id = "A"
title = "A body"
[[guideline.row]]
id = "A-low"
stratum = "small"
any_of = [{ size_mm = { at_most = 10 }, grade = ["G1"], lymphovascular_invasion = false }]
mark = "U"
source = "x"
[[guideline.row]]
id = "A-rest"
stratum = "others"
visits = [{ first = 6, every = 6, until = 24, tests = ["ct"] }, { months = [12], tests = ["sigmoidoscopy"] }]
mark = "P"
source = "x"
[[treatment]]
id = "A"
title = "A body"
[[treatment.rule]]
kind = "local"
advice = "resect"
mark = "S"
source = "x"
"""
TIERS = """
technique_column = "technique"
[[tier]]
tier = "primary"
title = "Primary"
techniques = ["emr"]
tracer_imaging = false
prrt = false
source = "x"
[[referral]]
id = "large"
to = "regional"
why = "large"
any_of = [{ size_mm = { at_least = 10 } }]
mark = "P"
source = "x"
"""


def faults(parse, text, old, new):
    assert text.count(old) >= 1
    with pytest.raises(BadInputError) as refused:
        parse(text.replace(old, new, 1), RNET, file="x.toml")
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("size_mm = {", "sise_mm = {", "x.toml:10: guideline[A].row[A-low].any_of[1].sise_mm: no [[baseline]]"),
        ('["G1"]', '["G9"]', 'the study has no level "G9"'),
        ("invasion = false", 'invasion = "no"', "a binary fact is true or false"),
        ("{ at_most = 10 }", "[10]", "a number is bounded by above, at_least, below, at_most"),
        ('tests = ["ct"]', 'tests = ["xray"]', 'the study has no [[test]] "xray"'),
        ("months = [12]", "months = [12], first = 3", "visits have either months, or first, every and until"),
        ("every = 6, ", "", "visits have either months, or first, every and until"),
        ("first = 6", "first = -6", "must be greater than 0"),
        ('id = "A-rest"', 'id = "A-low"', '"A-low" is taken'),
        ('mark = "U"', 'mark = "X"', "must be 'V', 'V2', 'S', 'U', 'D' or 'P'"),
        ('source = "x"\n', "", "source: this key is required"),
        ('grade = "G1"', 'grade = "G9"', 'when_missing.grade: the study has no level "G9"'),
        ('kind = "local"', 'kind = "maybe"', "must be 'local', 'radical' or 'either'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(old, new, told):
    assert any(told in line for line in faults(parse_guidelines, SMALL, old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('["emr"]', '["magic"]', 'the study has no level "magic"'),
        ('technique_column = "technique"', 'technique_column = "how"', "no [[baseline]] of the study has this name"),
        ('to = "regional"', 'to = "moon"', "must be 'primary', 'regional' or 'tertiary'"),
        ("prrt = false\n", "", "prrt: this key is required"),
    ],
)
def test_a_mistake_in_a_tiers_file_is_named(old, new, told):
    assert any(told in line for line in faults(parse_tiers, TIERS, old, new))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInputError, match="no such guidelines file"):
        read_guidelines(tmp_path / "none.toml", RNET)


def test_every_row_that_comes_with_the_project_has_a_mark_a_source_and_a_caution_unless_read_in_the_original():
    guidelines = read_guidelines(DEFAULT_GUIDELINES, RNET)
    rows = [row for guideline in guidelines.guideline for row in guideline.row]
    assert {row.id for row in rows if row.caution is None} == {"France-low"}
    assert all("[P] assumed" in row.caution for row in rows if row.assumed)
    assert all(row.mark == "P" for row in rows if row.id.endswith("-rest"))


def test_the_tiers_that_come_with_the_project_can_do_ever_more_and_offer_every_technique():
    tiers = read_tiers(DEFAULT_TIERS, RNET)
    techniques = [set(tier.techniques) for tier in tiers.tier]
    assert techniques[0] < techniques[1] < techniques[2]
    assert techniques[2] == set(next(b for b in RNET.baseline if b.name == "technique").levels)
