"""What is timed: reading tables, fitting, answering, planning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter

from benchmarks.timing import compare
from model.landmarks import at_risk
from model.learning.fitting import fit_predictor
from model.schedule.actions import worthwhile
from model.schedule.best import best_plans
from model.schedule.figures import figures, on_slots
from model.schedule.limits import plain_limits
from model.schedule.policy import Policy
from model.schedule.prospect import prospects
from model.schedule.task import Task
from model.study.file import DEFAULT_STUDY, read_study
from model.tables.cohort import Cohort, read_cohort

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.timing import Comparison
    from model.predictor import Predictor
    from model.schedule.prospect import Prospect
    from model.types import FloatArray, IntArray

SEED, PENALTY, FIRST_STEP = 1, 0.1, 0.1
TEN_YEARS, CALENDARS, PRICE = 120.0, 80, 1.0
LEAST_SPREAD = 1e-9


@dataclass(frozen=True)
class Bench:
    """A synthetic cohort in a folder, and what is made of it."""

    folder: Path

    @cached_property
    def cohort(self) -> Cohort:
        """The cohort as read."""
        return read_cohort(self.folder, read_study(DEFAULT_STUDY))

    @cached_property
    def predictor(self) -> Predictor:
        """A model of it."""
        return fit_predictor(self.cohort.study, self.cohort.histories, self.cohort.outcomes, seed=SEED)[0]

    def run(self) -> Iterator[Comparison]:
        """Time everything."""
        yield self.reading()
        yield self.fitting()
        yield self.answering(1, bands=True)
        yield self.answering(1)
        yield self.answering(len(self.cohort))
        yield from self.planning()

    def reading(self) -> Comparison:
        """Read the tables and check every rule."""
        files = sorted(self.folder.glob("*.csv"))
        study = self.cohort.study
        return compare(
            "read and check a cohort",
            "pandas reading the same files, unchecked",
            len(self.cohort),
            lambda: read_cohort(self.folder, study),
            lambda: [pd.read_csv(file) for file in files],
        )

    def fitting(self) -> Comparison:
        """Fit straight lines, tests that miss things and all."""
        cohort = self.cohort
        rows = at_risk(self.predictor.grid.landmark_month, cohort.outcomes.exit_month)
        tables = [self._landmark_table(rows.patient, rows.landmark_month, cause) for cause in range(1, 5)]
        return compare(
            "fit every cause",
            "lifelines' Cox model of the day of finding, each cause, on the same rows",
            len(cohort),
            lambda: fit_predictor(cohort.study, cohort.histories, cohort.outcomes, seed=SEED),
            lambda: [_cox(table) for table in tables],
        )

    def answering(self, n: int, *, bands: bool = False) -> Comparison:
        """Answer with bands, as the service does, or with the best estimate alone, as a cohort is predicted."""
        here = self.cohort.histories.select(np.arange(n))
        origin = np.zeros(n)
        everybody = np.arange(len(self.cohort))
        fits = [_cox(self._landmark_table(everybody, np.zeros(len(everybody)), cause)) for cause in range(1, 5)]
        table = self._scores(np.arange(n), origin)

        def ours() -> None:
            best = self.predictor.predict_both(here, origin)[0] if bands else self.predictor.predict(here, origin)
            best.at(60.0)

        whom = "one patient" if n == 1 else "many"
        return compare(
            f"answer for {whom}, with 200 draws for the band" if bands else f"answer for {whom}, without bands",
            "lifelines' Cox models of the same causes, no band",
            n,
            ours,
            lambda: [fit.predict_cumulative_hazard(table, times=[24.0, 60.0]) for fit in fits],
        )

    def planning(self) -> Iterator[Comparison]:
        """Plan ten years at a price, all tests of the study at hand: with what is predicted for it, and from there."""
        study, n = self.cohort.study, min(len(self.cohort), 1000)
        asked = self.cohort.histories.select(np.arange(n)), np.zeros(n), np.full(n, TEN_YEARS)
        actions = worthwhile(study, Policy(rule="price", price=PRICE).burden, tier=None)
        parts = [part for _, part in prospects(self.predictor, *asked)]

        def search(prospect: Prospect) -> object:
            task = Task.of(study, prospect, actions, np.full(len(prospect), PRICE))
            return best_plans(task, plain_limits(prospect, shortest=3.0, longest=None))

        def crude() -> None:
            for prospect in parts:
                for number in range(CALENDARS):
                    month = np.arange(6.0 + number % 20, TEN_YEARS, 6.0 + number % 20)
                    done = np.tile(actions.tests[1 + number % (len(actions.cost) - 1)], (1, len(month), 1))
                    plan = on_slots(prospect, month[None], done)
                    figures(study, prospect, np.broadcast_to(plan, (len(prospect), *plan.shape[1:])))

        against = f"weighing {CALENDARS} fixed calendars for the same patients"
        ours = {
            f"plan ten years, {len(study.test)} tests": lambda: [
                search(prospect) for _, prospect in prospects(self.predictor, *asked)
            ],
            "the search alone": lambda: [search(prospect) for prospect in parts],
        }
        for name, plan in ours.items():
            yield compare(name, against, n, plan, crude)

    def _scores(self, patient: IntArray, month: FloatArray) -> pd.DataFrame:
        """Those scores that differ between patients at the origin: Cox's model falls over the others."""
        everybody = self.predictor.scores(self.cohort.histories, np.zeros(len(self.cohort)))
        used = np.ptp(everybody, axis=0) > LEAST_SPREAD
        scores = self.predictor.scores(self.cohort.histories.select(patient), month)
        return pd.DataFrame(scores[:, used]).rename(columns=str)

    def _landmark_table(self, patient: IntArray, month: FloatArray, cause: int) -> pd.DataFrame:
        ended = self.cohort.outcomes
        table = self._scores(patient, month)
        table["months"] = np.maximum(ended.exit_month[patient] - month, 0.01)
        table["event"] = ended.cause[patient] == cause
        return table


def _cox(table: pd.DataFrame) -> CoxPHFitter:
    return CoxPHFitter(penalizer=PENALTY).fit(table, "months", "event", fit_options={"step_size": FIRST_STEP})
