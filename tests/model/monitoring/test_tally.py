import numpy as np
import pytest

from model.audit.metrics import ratio
from model.audit.resampling import N_DRAWS
from model.monitoring.looks import Looks
from model.monitoring.tally import Tally, counts_of_patients, tally


def looks(patient, expected, found):
    n = len(patient)
    no = np.zeros(n, dtype=bool)
    return Looks(np.array(patient), np.zeros(n), np.array(expected), np.array(found, dtype=bool), no, no, ~no)


def test_sums_by_hand():
    # Patient 0 has two looks in cell 1, patient 1 one in each; drawn twice, patient 1 counts twice.
    rows = looks([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    count = np.array([[1.0, 1.0], [0.0, 2.0]])
    found = tally(rows, np.array([1, 1, 0, 1]), count, n_cells=3)
    assert found.expected == pytest.approx(np.array([[0.3, 0.7, 0], [0.6, 0.8, 0]]))
    assert found.observed.tolist() == [[0, 2, 0], [0, 2, 0]]
    assert found.patients.tolist() == [1, 2, 0]
    assert found.visits.tolist() == [1, 3, 0]


def test_it_makes_no_difference_into_which_chunks_patients_are_cut():
    whole = counts_of_patients(np.random.default_rng(1), 30)
    rng = np.random.default_rng(1)
    parts = [counts_of_patients(rng, n) for n in (1, 20, 9)]
    assert (np.concatenate(parts, axis=1) == whole).all()
    rows = looks(np.arange(30), np.linspace(0, 1, 30), np.arange(30) % 3 == 0)
    cell = np.arange(30) % 4
    total = Tally.empty(4)
    for start, count in zip((0, 1, 21), parts, strict=True):
        inside = (rows.patient >= start) & (rows.patient < start + count.shape[1])
        chunk = rows.select(inside)
        total += tally(looks(chunk.patient - start, chunk.expected, chunk.found), cell[inside], count, n_cells=4)
    once = tally(rows, cell, whole, n_cells=4)
    assert total.expected == pytest.approx(once.expected)
    assert (total.observed == once.observed).all()
    assert total.patients.tolist() == once.patients.tolist()


def test_the_draws_spread_as_the_ratio_does():
    # 400 of 4000 patients have the event, 0.1 is expected of each: the ratio is 1 with standard error about
    # sqrt(400 x 0.9) / 400 = 0.047.
    n = 4000
    rows = looks(np.arange(n), np.full(n, 0.1), np.arange(n) % 10 == 0)
    found = tally(rows, np.zeros(n, dtype=np.int64), counts_of_patients(np.random.default_rng(2), n), n_cells=1)
    drawn = ratio(found.observed, found.expected)[:, 0]
    assert drawn[0] == pytest.approx(1.0)
    assert len(drawn) == 1 + N_DRAWS
    assert drawn[1:].std() == pytest.approx(0.047, rel=0.15)
