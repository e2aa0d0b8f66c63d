"""Published counts against expected ones, with exact intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import beta
from threadpoolctl import threadpool_limits

from model.literature.expected import answered_until, chance_found
from model.literature.patients import draw_follow_up, draw_histories

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.literature.published import Literature, Visits
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.types import Histories

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

    count: Count
    expected_by_cause: dict[str, float]
    covered: float


@dataclass(frozen=True)
class Setting:
    """What is assumed of all cohorts beside what they publish.

    Attributes
    ----------
    attendance_factor : times as many visits kept
    everything : every planned visit kept, every test done
    alike : everybody followed for exactly the published mean or median
    complete : fills what is missing in the patients drawn
    """

    name: str
    attendance_factor: float = 1.0
    everything: bool = False
    alike: bool = False
    complete: Callable[[Study, Histories, np.random.Generator], Histories] | None = None

    def visits(self, visits: Visits) -> Visits:
        """Change a cohort's visits."""
        if self.everything:
            done = dict.fromkeys(visits.done, 1.0)
            return visits.model_copy(update={"attendance": 1.0, "returning": 1.0, "done": done})
        return visits.model_copy(update={"attendance": visits.attendance * self.attendance_factor})


AS_ASSUMED = Setting("as assumed of each cohort")
SETTINGS = (
    Setting("every planned visit kept, every test done", everything=True),
    Setting("half as many visits kept", attendance_factor=0.5),
)


def exact_interval(events: int, n: int) -> tuple[float, float]:
    """Clopper-Pearson interval of a share."""
    tail = (1.0 - LEVEL) / 2
    low = 0.0 if events == 0 else float(beta.ppf(tail, events, n - events + 1))
    high = 1.0 if events == n else float(beta.ppf(1.0 - tail, events + 1, n - events))
    return low, high


def compare(
    predictor: Predictor,
    literature: Literature,
    settings: Sequence[Setting] = (AS_ASSUMED,),
    *,
    patients: int,
    seed: int,
    jobs: int = 1,
) -> list[list[Row]]:
    """Draw each cohort anew, `patients` of them, and scale what is expected of them to its published size.

    Returns a list of rows per setting, in the literature's order. The same seed gives the same patients whatever the
    predictor and the number of jobs; each cohort has a stream of its own.
    """
    rows = Parallel(n_jobs=jobs)(
        delayed(_row)(predictor, literature, number, setting, patients=patients, seed=seed)
        for setting in settings
        for number in range(len(literature.cohort))
    )
    n = len(literature.cohort)
    return [rows[start : start + n] for start in range(0, len(rows), n)]


def _row(
    predictor: Predictor, literature: Literature, number: int, setting: Setting, *, patients: int, seed: int
) -> Row:
    study, cohort = predictor.study, literature.cohort[number]
    rng = np.random.default_rng([seed, number])
    end = draw_follow_up(cohort, patients, rng, alike=setting.alike)
    visits = setting.visits(cohort.visits_of(literature.visits))
    histories = draw_histories(study, cohort, literature.size, visits, end, rng=rng)
    if setting.complete is not None:
        histories = setting.complete(study, histories, rng)
    with threadpool_limits(limits=1):
        found = chance_found(predictor, histories, end)
    counted = [study.event_names.index(name) for name in cohort.counts]
    any_counted = 1.0 - np.prod(1.0 - found[:, counted], axis=1)
    by_cause = {study.event_names[k - 1]: float(cohort.n * found[:, k - 1].mean()) for k in study.targets}
    covered = float(np.minimum(end, answered_until(predictor)).sum() / end.sum())
    return Row(Count(cohort.n, cohort.recurrences, float(cohort.n * any_counted.mean())), by_cause, covered)


def pooled(counts: Sequence[Count]) -> Count:
    """All cohorts as one."""
    return Count(sum(c.n for c in counts), sum(c.observed for c in counts), sum(c.expected for c in counts))


def without_each(counts: Sequence[Count]) -> list[Count]:
    """All cohorts but one, for every one of them."""
    return [pooled([*counts[:left], *counts[left + 1 :]]) for left in range(len(counts))]
