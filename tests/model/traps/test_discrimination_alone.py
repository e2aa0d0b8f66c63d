"""Trap: a high C-index with a worthless Brier score. Discrimination is never shown alone."""

import re

import numpy as np
import pytest

from model.audit.metrics import brier_of_everyone_alike, brier_score, cumulative_dynamic_auc, scaled_brier
from model.audit.report import render
from model.audit.run import run
from model.learning.fitting import fit_without_folds
from model.tables.cohort import Cohort

FACTS = {
    "title": "Traps", "version": "v", "synthetic": True, "about": {}, "sha256": {}, "seed": 1, "command": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def document(cohort, predictor):
    histories, ended = cohort
    fold = np.arange(400) % 2
    halves = fit_without_folds(predictor.study, histories, ended, fold, seed=1, jobs=1)
    people = Cohort(predictor.study, [str(i) for i in range(400)], [None] * 400, histories, ended, {})
    return run(people, fold, halves, seed=1, jobs=1, version="v")


def test_everybody_may_be_ranked_right_and_told_nonsense():
    # The trap itself: risks of 0.80 to 0.99 where one in ten has the event rank perfectly and score below nothing.
    case = np.arange(100) >= 90
    predicted = np.linspace(0.80, 0.99, 100)
    assert cumulative_dynamic_auc(predicted, case, np.ones(100)) == 1
    score = brier_score(predicted, case, np.ones(100))
    assert scaled_brier(score, brier_of_everyone_alike(case, np.ones(100))) < -5


def rows_with_auc(value):
    """Every row of a document, however deep, that gives an AUC; a difference of two AUCs is no row."""
    if isinstance(value, list):
        return [row for each in value for row in rows_with_auc(each)]
    if not isinstance(value, dict):
        return []
    own = [value] if value.get("auc") is not None else []
    return own + [row for key, each in value.items() if key != "difference" for row in rows_with_auc(each)]


def test_every_row_of_the_audit_with_an_auc_has_the_scaled_brier_score_and_calibration(document):
    rows = rows_with_auc(document)
    assert len(rows) > 10
    assert {row.get("name", "model") for row in rows} >= {"model", "landmark_cox", "aalen_johansen"}
    for row in rows:
        assert row["ipa"] is not None
        assert row["oe"] is not None


def test_every_table_of_the_page_with_an_auc_has_both_beside_it(document):
    page = render(document, FACTS)
    heads = [re.sub(r"<[^>]+>", "|", head) for head in re.findall(r"<thead>(.*?)</thead>", page, flags=re.DOTALL)]
    ranked = [head for head in heads if "AUC" in head]
    assert ranked
    for head in ranked:
        assert "Scaled Brier" in head
        assert "Observed / expected" in head
