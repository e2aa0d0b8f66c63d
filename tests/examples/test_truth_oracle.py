from pathlib import Path

import numpy as np
import pytest

from examples.truth.attainable import features_of, learned_risk, oracle_risks
from examples.truth.cohorts import ANY, FRESH_SEED, draw, study_of
from examples.truth.options import Options
from model.audit.metrics import cumulative_dynamic_auc

STUDY = study_of("default")
FRESH = 1_000


@pytest.fixture(scope="module")
def fresh():
    return draw("default", STUDY, patients=FRESH, seed=FRESH_SEED)


def options(cache: Path | None, oracle_patients: int = 3_000) -> Options:
    return Options(
        variant="default",
        patients=FRESH,
        replicates=1,
        repeats=1,
        oracle_patients=oracle_patients,
        judged=1,
        jobs=1,
        cache=cache,
    )


def test_the_oracle_ranks_fresh_patients_and_is_fitted_once(fresh, tmp_path, monkeypatch):
    risks = oracle_risks(STUDY, fresh, options(tmp_path), outcomes=(ANY,))
    who = fresh.followed(0.0)
    assert risks[0.0, 60.0].shape == (len(who), 1)
    assert risks[60.0, 24.0].shape == (len(fresh.followed(60.0)), 1)
    auc = cumulative_dynamic_auc(risks[0.0, 60.0][:, 0], fresh.happened(who, 60.0)[:, ANY], np.ones(len(who)))
    assert auc > 0.7

    monkeypatch.setattr("examples.truth.attainable._fitted", None)  # a second fit would fail
    again = oracle_risks(STUDY, fresh, options(tmp_path), outcomes=(ANY,))
    assert all(np.array_equal(again[key], risks[key]) for key in risks)


def test_the_oracle_sees_blanks_as_blanks_and_no_marker_where_the_study_has_none(fresh):
    who = fresh.followed(12.0)
    features = features_of(STUDY, fresh, who, 12.0)
    assert np.isnan(features).any()
    without = features_of(STUDY.model_copy(update={"marker": ()}), fresh, who, 12.0)
    assert features.shape[1] - without.shape[1] == 3 * len(STUDY.marker)


def test_an_onset_that_nobody_had_has_no_risk():
    features = np.column_stack([np.arange(10.0), np.full(10, np.nan)])
    assert (learned_risk(features, np.zeros(10, dtype=bool), features[:3]) == 0.0).all()
