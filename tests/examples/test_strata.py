"""Guidelines' strata as predictions: what they are, and that the table is what `model.score` says of them."""

import json

import numpy as np
import pytest

from examples.strata.__main__ import HORIZON, LANDMARKS, main, table, write
from examples.strata.rivals import ALIKE, ANY, OTHER, OURS, STRATA, TENTHS, outcome, predictions, presence, sortings
from examples.truth.cohorts import study_of
from examples.truth.judged import trained
from model.audit.nonparametric import aalen_johansen
from model.audit.strata import MIN_EXPECTED
from model.guidelines.file import DEFAULT_GUIDELINES, read_guidelines
from model.score import main as score

LANDMARK, N = LANDMARKS[0], 400


@pytest.fixture(scope="module")
def both():
    return trained(study_of("default"), "default", patients=N)


@pytest.fixture(scope="module")
def guidelines(both):
    return read_guidelines(DEFAULT_GUIDELINES, both.predictor.study)


@pytest.fixture(scope="module")
def probability(both, guidelines):
    return predictions(both.predictor, guidelines, both.learned, both.fresh, landmark=LANDMARK, horizon=HORIZON)


def strata(both, guidelines, known):
    return sortings(both.predictor.study, guidelines, known.histories.baseline)


def test_a_stratum_gets_the_incidence_of_its_patients_where_there_are_enough(both, guidelines, probability):
    months, cause = outcome(both.learned, np.arange(N), LANDMARK)
    old, new = (strata(both, guidelines, known)["ENETS 2023"][:, 0] for known in (both.learned, both.fresh))
    own = 0
    for stratum in np.unique(new):
        given = np.unique(probability["ENETS 2023"][new == stratum])
        assert len(given) == 1
        here = old == stratum
        if here.sum() * probability[ALIKE][0] >= MIN_EXPECTED:
            own += 1
            assert given[0] == pytest.approx(aalen_johansen(months[here], cause[here], of_cause=ANY).at(HORIZON))
        else:
            assert given[0] == probability[ALIKE][0]
    assert own >= 2


def test_every_guideline_is_there_but_those_that_sort_nobody(both, guidelines, probability):
    sorts = {name for name, levels in strata(both, guidelines, both.learned).items() if len(np.unique(levels)) > 1}
    assert set(probability) == {OURS, TENTHS, ALIKE, STRATA, *sorts}
    assert {"ENETS 2023", "NCCN", "JNETS 2019", "French review 2020"} <= sorts
    assert "Expert practice (US), not a guideline" not in sorts
    assert len(np.unique(probability[TENTHS])) <= 10
    assert all(((p >= 0) & (p <= 1)).all() for p in probability.values())


def test_the_truth_is_that_of_the_other_tables_and_nobody_is_lost_to_it(both):
    who = both.fresh.followed(36.0)
    month, there = presence(both.fresh, who, 36.0)
    assert set(there) == {ANY, OTHER}
    assert ((there == ANY) & (month <= 60.0)).tolist() == both.fresh.happened(who, 96.0)[:, -1].tolist()
    _, found = outcome(both.fresh, who, 36.0)
    assert 10 < (found == ANY).sum() < (there == ANY).sum()
    assert (there[found == ANY] == ANY).mean() > 0.9  # a few die after it was found and before it was due to be seen


def test_the_table_says_what_model_score_says(both, probability, tmp_path, capsys):
    who = np.arange(N)
    found = outcome(both.fresh, who, LANDMARK)
    write(tmp_path, probability, who, found, LANDMARK)
    lines = {row.split(" | ")[0].lstrip("| "): row.split(" | ") for row in table(probability, found, found)}
    for name, file in ((OURS, "our-model"), (STRATA, "size-and-grade"), ("ENETS 2012/16", "enets-2012-16")):
        out = tmp_path / f"{file}.json"
        assert score(["--predictions", str(tmp_path / f"{file}-from-0.csv"), "--out", str(out)]) == 0
        (block,) = json.loads(out.read_text())["by_horizon"]
        for column, figure, digits in ((2, "oe", 2), (3, "ipa", 3), (4, "auc", 3)):
            value, low, high = (block[figure][end] for end in ("value", "low", "high"))
            assert lines[name][column] == f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
    assert f"{N} persons" in capsys.readouterr().out


def test_too_few_patients_are_refused():
    with pytest.raises(SystemExit, match="2"):
        main(["--patients", "10"])
