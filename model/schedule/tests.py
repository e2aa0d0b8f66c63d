"""Which tests to do at a visit: the cheapest set that looks for every target cause."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.study.entries import Test


def available(study: Study, tier: str | None) -> tuple[Test, ...]:
    """Tests that a tier of care has; all tests where no tier is named."""
    return tuple(test for test in study.test if tier is None or tier in test.tiers)


def cheapest_set(tests: tuple[Test, ...], wanted: set[str]) -> tuple[Test, ...]:
    """Return the set of tests of least cost, then least burden, that sees every wanted event that any of them sees.

    Tries every set: a study has a handful of tests.
    """
    reachable = {event for test in tests for event in test.sees if event in wanted}
    sets = [chosen for size in range(len(tests) + 1) for chosen in combinations(tests, size)]
    seeing = [chosen for chosen in sets if reachable <= {event for test in chosen for event in test.sees}]
    return min(seeing, key=lambda chosen: (sum(t.cost for t in chosen), sum(t.burden_days for t in chosen)))


def out_of_reach(study: Study, tests: tuple[Test, ...], targets: set[str], tier: str | None) -> list[str]:
    """Name the targets that no test of the tier can find, though another tier's can."""
    seen = {event for test in tests for event in test.sees}
    elsewhere = {event for test in study.test for event in test.sees}
    labels = {event.name: event.label or event.name for event in study.event}
    return [
        f"No test of a {tier} centre sees {labels[name].lower()}: refer for it."
        for name in sorted(targets & (elsewhere - seen))
    ]
