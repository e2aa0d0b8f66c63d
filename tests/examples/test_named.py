"""Which event is named when a visit finds several: the two rules by hand, and that their sum is one."""

import numpy as np
import pytest

from examples.named import chances, table
from examples.truth.cohorts import study_of
from examples.truth.judged import trained
from model.audit.named import chance_named
from model.audit.out_of_fold import predict_every_visit


@pytest.fixture(scope="module")
def both():
    return trained(study_of("default"), "default", patients=300)


def test_the_worst_is_named_by_hand():
    found = np.array([[0.5, 0.2, 0.1], [1.0, 1.0, 0.0], [0.3, 0.0, 0.0]])
    expected = [[0.5 * 0.8 * 0.9, 0.2 * 0.9, 0.1], [0.0, 1.0, 0.0], [0.3, 0.0, 0.0]]
    assert chance_named(found, np.array([1, 2, 3])) == pytest.approx(np.array(expected))


@pytest.mark.parametrize("severity", [[0, 0, 0], [1, 2, 3], [2, 1, 2]])
def test_whoever_is_named_something_is_found_as_often(severity):
    found = np.random.default_rng(1).random((50, 3))
    anything = 1 - np.prod(1 - found, axis=1)
    assert chance_named(found, np.array(severity)).sum(axis=1) == pytest.approx(anything)


def test_the_worst_named_is_what_the_audit_of_the_default_study_expects(both):
    worst = chance_named(chances(both.predictor, both.fresh), np.array([1, 2, 3])).sum(axis=0)
    steps = predict_every_visit(both.predictor, both.fresh.histories, both.fresh.cohort.outcomes, np.arange(300))
    assert worst == pytest.approx([steps[number].probability.sum() for number in both.predictor.study.targets])


def test_the_table_has_a_line_per_cause_and_their_sum(both):
    *_, local, nodal, distant, total = (row.split(" | ") for row in table(both))
    assert [row[0] for row in (local, nodal, distant, total)] == ["| local", "| nodal", "| distant", "| all"]
    for column in (1, 3, 4):
        parts = sum(float(row[column]) for row in (local, nodal, distant))
        assert parts == pytest.approx(float(total[column]), abs=0.2)
    assert float(local[5].rstrip(" |")) <= 0 <= float(distant[5].rstrip(" |"))
