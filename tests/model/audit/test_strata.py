import numpy as np
import pytest

from model.audit.baselines import everyone_alike
from model.audit.strata import MISSING, strata_levels, within_strata
from model.study.file import parse_study
from tests.model.builders import RICH

CHOICES = {"n_causes": 1, "horizon_months": (12.0,)}


def of_one_cause(n_events, n):
    """Months and causes of n patients of whom n_events die at 6 and the others are followed to 20."""
    return np.where(np.arange(n) < n_events, 6.0, 20.0), (np.arange(n) < n_events).astype(np.int64)


def test_a_cut_belongs_to_the_level_above_and_missing_is_a_level_of_its_own():
    # The study's strata: age cut at 50 and 70, by margin as it is.
    study = parse_study(RICH, file="rich.toml")
    baseline = np.full((4, 6), np.nan)
    baseline[:, 0], baseline[:, 4] = [49.9, 50.0, 70.0, np.nan], [0.0, 1.0, np.nan, 0.0]
    expected = [[0, 0], [1, 1], [2, MISSING], [MISSING, 0]]
    assert strata_levels(study, baseline).tolist() == expected


def test_each_stratum_is_given_its_own_incidence():
    months, cause = (np.concatenate(parts) for parts in zip(of_one_cause(10, 100), of_one_cause(40, 80), strict=True))
    levels = np.repeat([[0], [1]], [100, 80], axis=0)
    found = within_strata(levels, months, cause, np.array([[1], [0]]), **CHOICES)
    assert found[:, 0, 0] == pytest.approx([0.5, 0.1])


def test_a_stratum_without_events_keeps_its_zero_if_events_were_to_be_expected():
    # 20 of 200 die, none of the 100 in level 0, of whom 10 would be expected to: it is not pooled up.
    months, cause = (np.concatenate(parts) for parts in zip(of_one_cause(0, 100), of_one_cause(20, 100), strict=True))
    found = within_strata(np.repeat([[0], [1]], 100, axis=0), months, cause, np.array([[0]]), **CHOICES)
    assert found[0, 0, 0] == 0


def test_too_small_a_stratum_is_given_what_the_wider_one_is():
    # Level 1 has 100 patients, of whom 20 die. Two of them are (1, 1): 0.4 are expected to die there, though both do.
    months, cause = (np.concatenate(parts) for parts in zip(of_one_cause(5, 100), of_one_cause(20, 100), strict=True))
    levels = np.column_stack([np.repeat([0, 1], 100), np.zeros(200, dtype=int)])
    levels[100:102, 1] = 1
    # (0, 7) and (3, 0) were never met in training: the first is its size band, the second everyone.
    new = np.array([[1, 1], [0, 7], [3, 0]])
    found = within_strata(levels, months, cause, new, **CHOICES)
    assert found[:, 0, 0] == pytest.approx([0.2, 0.05, 0.125])


def test_without_columns_everyone_is_alike(rng):
    months, cause = rng.uniform(1, 30, 50), rng.integers(0, 2, 50)
    nothing = np.zeros((50, 0), dtype=np.int64)
    found = within_strata(nothing, months, cause, nothing[:2], **CHOICES)
    assert (found == everyone_alike(months, cause, **CHOICES)).all()
