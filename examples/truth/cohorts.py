"""Synthetic cohorts with both sides kept: what a clinic recorded, and the truth behind it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np

from model.study.entries import Sensitivity
from model.study.file import DEFAULT_STUDY, read_study
from model.tables.cohort import Cohort, read_cohort
from synthetic_data.arrays import BLOCK
from synthetic_data.cohort import Part, draw_parts
from synthetic_data.parameters import CAUSES, SIZE_CURVES
from synthetic_data.sensitivity_fit import fit, growth_of
from synthetic_data.tables import write_cohort
from synthetic_data.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray
    from synthetic_data.baseline import Patients
    from synthetic_data.biology import Lesions

LEARN_SEED, FRESH_SEED = 11, 12
LANDMARKS = (0.0, 12.0, 36.0, 60.0)
HORIZONS = (24.0, 60.0)
ANY = len(CAUSES)
OUTCOMES = (*CAUSES, "any")


@dataclass(frozen=True)
class Known:
    """A synthetic cohort as recorded, and what is true of the same patients in the same order."""

    cohort: Cohort
    patients: Patients
    lesions: Lesions

    @property
    def histories(self) -> Histories:
        """What was recorded."""
        return self.cohort.histories

    def followed(self, landmark_month: float) -> IntArray:
        """Patients still followed just after the landmark, nothing having been found, (n_followed,)."""
        return np.flatnonzero(self.cohort.outcomes.exit_month > landmark_month)

    def first_onset(self) -> tuple[IntArray, FloatArray]:
        """Which onset comes first, and when: inf where none comes before death; each (n_patients,)."""
        onset = self.lesions.onset_month
        month = onset.min(axis=1)
        return onset.argmin(axis=1), np.where(month < self.lesions.death_month, month, np.inf)

    def happened(self, who: IntArray, by_month: float) -> BoolArray:
        """Whether the first onset came by then, before death: (n_who, 4), by cause and any."""
        first, month = self.first_onset()
        any_cause = (month[who] <= by_month)[:, None]
        return np.concatenate([any_cause & (first[who, None] == np.arange(ANY)), any_cause], axis=1)

    def select(self, who: IntArray) -> Self:
        """The same for some of the patients."""
        return type(self)(self.cohort.select(who), self.patients.of(who), self.lesions.of(who))


def study_of(variant: str) -> Study:
    """The default study, with the sensitivities that are true in the variant.

    They are fitted to the variant's curves as the default ones are to the default curves.
    """
    study, curves = read_study(DEFAULT_STUDY), VARIANTS[variant].curves
    if curves == SIZE_CURVES:
        return study
    growth = {cause: growth_of(cause) for cause in CAUSES}
    fitted = [fit(curve, growth[curve.cause]) for curve in curves]
    sees = {
        (f.test, f.cause): Sensitivity(
            start=f.start, max=f.max, half_time=f.half_time_months, shape=f.shape, first=f.first
        )
        for f in fitted
    }
    tests = [t.model_copy(update={"sees": {cause: sees[t.name, cause] for cause in t.sees}}) for t in study.test]
    return study.model_copy(update={"test": tuple(tests)})


def draw(variant: str, study: Study, *, patients: int, seed: int) -> Known:
    """Draw a whole cohort, write its tables, and read them as any cohort's."""
    return _known(list(draw_parts(VARIANTS[variant], patients=patients, seed=seed)), study)


def draw_blocks(variant: str, study: Study, *, patients: int, seed: int) -> Iterator[Known]:
    """Draw the same cohort block by block, for those too large to be held."""
    for part in draw_parts(VARIANTS[variant], patients=patients, seed=seed):
        yield _known([part], study)


def n_blocks(patients: int) -> int:
    """How many blocks `draw_blocks` yields."""
    return -(-patients // BLOCK)


def _known(parts: Sequence[Part], study: Study) -> Known:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "cohort"
        write_cohort(folder, (part.tables() for part in parts), {"synthetic": True}, table_format="parquet")
        cohort = read_cohort(folder, study)
    return Known(cohort, _joined([p.world.patients for p in parts]), _joined([p.world.lesions for p in parts]))


Rows = TypeVar("Rows", "Patients", "Lesions")


def _joined(blocks: Sequence[Rows]) -> Rows:
    first = blocks[0]
    return type(first)(**{f.name: np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(first)})
