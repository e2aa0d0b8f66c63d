"""Published counts against expected ones, with exact intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta

from examples.literature.cohorts import check_answers
from examples.literature.donors import completed
from examples.literature.expected import answered_until, chance_found
from examples.literature.patients import draw_follow_up, draw_histories

if TYPE_CHECKING:
    from collections.abc import Sequence

    from examples.literature.cohorts import Literature, Visits
    from model.predictor import Predictor

LEVEL = 0.95


@dataclass(frozen=True)
class Count:
    """Patients with a recurrence found: observed of n, and expected."""

    n: int
    observed: int
    expected: float

    @property
    def share(self) -> float:
        """Observed share."""
        return self.observed / self.n

    @property
    def share_interval(self) -> tuple[float, float]:
        """Exact interval of the observed share."""
        return exact_interval(self.observed, self.n)

    @property
    def ratio(self) -> float:
        """Observed over expected; NaN where nothing is expected."""
        return self.observed / self.expected if self.expected > 0 else np.nan

    @property
    def ratio_interval(self) -> tuple[float, float]:
        """The exact interval of the observed share over the expected one, which is taken as known."""
        low, high = self.share_interval
        return (low * self.n / self.expected, high * self.n / self.expected) if self.expected > 0 else (np.nan, np.nan)

    @property
    def agrees(self) -> bool:
        """Whether the expected share lies within the exact interval of the observed one."""
        low, high = self.share_interval
        return low <= self.expected / self.n <= high


@dataclass(frozen=True)
class Row:
    """One cohort.

    Attributes
    ----------
    expected_by_cause : patients in whom each cause is expected to be found, whether the paper counts it or not
    covered : share of the assumed person-time that the model answers for
    """

    id: str
    count: Count
    expected_by_cause: dict[str, float]
    covered: float


@dataclass(frozen=True)
class Setting:
    """What is assumed of all cohorts beside what they publish."""

    name: str
    attendance_factor: float = 1.0
    everything: bool = False
    alike: bool = False
    completed: bool = False

    def visits(self, visits: Visits) -> Visits:
        """Change a cohort's visits."""
        if self.everything:
            done = dict.fromkeys(visits.done, 1.0)
            return visits.model_copy(update={"attendance": 1.0, "returning": 1.0, "done": done})
        return visits.model_copy(update={"attendance": visits.attendance * self.attendance_factor})


AS_ASSUMED = Setting("as assumed per cohort")
SETTINGS = (
    Setting("every planned visit kept, every test done", everything=True),
    Setting("half as many visits kept", attendance_factor=0.5),
    Setting("everybody followed for exactly the published mean or median", alike=True),
    Setting("unpublished age, sex and pathology drawn as section 9 of the facts sheet proposes [P]", completed=True),
)


def exact_interval(events: int, n: int) -> tuple[float, float]:
    """Clopper-Pearson interval of a share."""
    tail = (1.0 - LEVEL) / 2
    low = 0.0 if events == 0 else float(beta.ppf(tail, events, n - events + 1))
    high = 1.0 if events == n else float(beta.ppf(1.0 - tail, events + 1, n - events))
    return low, high


def compare(
    predictor: Predictor, literature: Literature, *, patients: int, seed: int, setting: Setting = AS_ASSUMED
) -> list[Row]:
    """Draw each cohort anew, `patients` of them, and scale what is expected of them to its published size.

    Raises BadInputError if the predictor's study does not know what the cohorts speak of. The same seed gives the same
    patients whatever the predictor; each cohort has a stream of its own.
    """
    study = predictor.study
    check_answers(study, literature)
    rows = []
    for number, cohort in enumerate(literature.cohort):
        rng = np.random.default_rng([seed, number])
        end = draw_follow_up(cohort, patients, rng, alike=setting.alike)
        visits = setting.visits(cohort.visits_of(literature.visits))
        histories = draw_histories(study, cohort, visits, end, rng)
        if setting.completed:
            histories = completed(study, histories, rng)
        found = chance_found(predictor, histories, end)
        counted = [study.event_names.index(name) for name in cohort.counts]
        any_counted = 1.0 - np.prod(1.0 - found[:, counted], axis=1)
        by_cause = {study.event_names[k - 1]: float(cohort.n * found[:, k - 1].mean()) for k in study.targets}
        covered = float(np.minimum(end, answered_until(predictor)).sum() / end.sum())
        count = Count(cohort.n, cohort.recurrences, float(cohort.n * any_counted.mean()))
        rows.append(Row(cohort.id, count, by_cause, covered))
    return rows


def pooled(counts: Sequence[Count]) -> Count:
    """All cohorts as one."""
    return Count(sum(c.n for c in counts), sum(c.observed for c in counts), sum(c.expected for c in counts))


def without_each(counts: Sequence[Count]) -> list[Count]:
    """All cohorts but one, for every one of them."""
    return [pooled([*counts[:left], *counts[left + 1 :]]) for left in range(len(counts))]
