"""Who should be referred, from which tier, and for which named reason."""

import numpy as np
import pytest

from model.guidelines.file import DEFAULT_TIERS, read_tiers
from model.guidelines.tiers import ORDER, available_at, referral
from tests.model.guidelines.test_advice import STUDY, patient

TIERS = read_tiers(DEFAULT_TIERS, STUDY)


def criteria(tier, *, open_ones=False, **facts):
    found = referral(TIERS, STUDY, patient(distant_imaging=0, **facts), tier=tier)
    rows = (found.open if open_ones else found.met)[0]
    return {criterion.id for criterion, there in zip(TIERS.referral, rows, strict=True) if there}


@pytest.mark.parametrize(
    ("tier", "facts", "expected"),
    [
        ("primary", {"size_mm": 6.0}, set()),
        ("primary", {"size_mm": 6.0, "margin": "R1"}, {"incomplete"}),
        ("regional", {"size_mm": 6.0, "margin": "R1"}, set()),
        ("primary", {"size_mm": 21.0}, {"size-1-cm", "size-2-cm"}),
        ("regional", {"size_mm": 21.0}, {"size-2-cm"}),
        ("primary", {"size_mm": 6.0, "grade": "G3"}, {"grade-2", "grade-3"}),
        ("tertiary", {"size_mm": 30.0, "grade": "G3", "nodes_imaging": 1}, set()),
    ],
)
def test_the_criteria_that_hold_and_ask_for_more_than_the_tier_are_named(tier, facts, expected):
    assert criteria(tier, **facts) == expected


def test_a_missing_fact_leaves_its_criterion_open_rather_than_met_or_not():
    assert criteria("primary", size_mm=6.0, margin=None) == set()
    assert criteria("primary", open_ones=True, size_mm=6.0, margin=None) == {"incomplete"}


def test_a_higher_tier_has_every_test_of_a_lower_one():
    primary, regional, tertiary = (available_at(STUDY, tier) for tier in ORDER)
    assert np.all(primary <= regional)
    assert np.all(regional <= tertiary)
    assert tertiary.all()
    assert available_at(STUDY, None).all()
    assert not regional[[test.name for test in STUDY.test].index("sstr_pet")]
