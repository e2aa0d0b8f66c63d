"""Draw fresh synthetic patients, block by block, as truth and as a clinic's record of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from model.errors import NotSupportedError
from model.simulate.truth import TrueHazards, Truth
from model.tables.cohort import records_from_frames
from synthetic_data.arrays import BLOCK, Component, stream
from synthetic_data.biology import (
    DEATH_GROWTH_PER_MONTH,
    death_hazard_at_resection,
    log_hazard_ratio,
    median_doubling_months,
)
from synthetic_data.cohort import draw_world
from synthetic_data.detection import sensitivity
from synthetic_data.markers import draw_markers, personal_log_cga
from synthetic_data.parameters import (
    CAUSES,
    DAYS_PER_MONTH,
    DOUBLING_DAYS,
    DOUBLING_LOG_SD,
    LESION_REFERENCE_MONTHS,
    LESION_SHAPE,
    MARKERS,
    TESTS,
)
from synthetic_data.strata import STRATA
from synthetic_data.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.simulate.truth import SingleArray
    from model.study.definition import Study
    from model.types import FloatArray, IntArray
    from synthetic_data.biology import Nature
    from synthetic_data.surveillance import World

# Far from any seed that a cohort is drawn with by hand: the same number must not give the patients the model has seen.
FRESH_SEED = 40_000_000
# A stream of its own beside those of visit rounds.
LUCK, FIRST_MARKER_ROUND = 1_000_000, 2_000_000


def draw_fresh(
    study: Study, *, stratum: str, nature: str, patients: int, seed: int, horizon_month: int
) -> Iterator[Truth]:
    """Draw patients a block at a time.

    Parameters
    ----------
    stratum : one of `synthetic_data.strata.STRATA`: who they are
    nature : one of `synthetic_data.variants.VARIANTS`: their hazards, markers, and what tests truly see

    Raises NotSupportedError if the study's tests or markers are not those that the generator knows.
    """
    if {test.name for test in study.test} - set(TESTS) or {marker.name for marker in study.marker} - set(MARKERS):
        raise NotSupportedError("synthetic patients exist only for the tests and markers of the rnet study")
    kind = VARIANTS[nature]
    variant = replace(STRATA[stratum], nature=kind.nature, curves=kind.curves, markers=kind.markers)
    for block in range(-(-patients // BLOCK)):
        size = min(BLOCK, patients - block * BLOCK)
        world = draw_world(variant, seed=FRESH_SEED + seed, block=block, patients=size)
        yield _truth(world, study, _hazards(world, kind.nature, study, horizon_month), horizon_month)


def _truth(world: World, study: Study, hazards: TrueHazards, horizon_month: int) -> Truth:
    lesions = world.lesions
    onset = lesions.onset_month.min(axis=1)
    tests = [TESTS.index(test.name) for test in study.test]
    luck = stream(world.seed, world.block, Component.VISIT, LUCK)
    shape = (BLOCK, len(TESTS), horizon_month + 1)
    return Truth(
        baseline=_recorded(world, study),
        onset_month=onset,
        symptom_month=lesions.symptom_month.min(axis=1),
        death_month=lesions.death_month,
        finds=_finds(world, horizon_month)[:, tests],
        luck=luck.random(shape, dtype=np.float32)[: len(onset), tests],
        markers=_Markers(world, tuple(MARKERS.index(marker.name) for marker in study.marker)),
        hazards=hazards,
    )


def _hazards(world: World, nature: Nature, study: Study, horizon_month: int) -> TrueHazards:
    causes = [CAUSES.index(study.event_names[cause - 1]) for cause in study.targets]
    scale = nature.scale * np.exp(log_hazard_ratio(world.patients, nature))
    gompertz = death_hazard_at_resection(world.patients, nature) / DEATH_GROWTH_PER_MONTH
    passed = np.expm1(DEATH_GROWTH_PER_MONTH * np.arange(horizon_month + 1.0))
    return TrueHazards(
        scale=scale[:, causes],
        shape=LESION_SHAPE,
        by_month=LESION_REFERENCE_MONTHS,
        log_pace=np.log(DOUBLING_DAYS / DAYS_PER_MONTH / median_doubling_months(world.patients, nature)),
        log_pace_sd=DOUBLING_LOG_SD,
        followed=np.exp(-np.outer(gompertz, passed)),
    )


def _finds(world: World, horizon_month: int) -> SingleArray:
    """P(a test done in a month finds any recurrence), (n_patients, n_tests, horizon + 1), float32."""
    found = np.zeros((len(world.lesions.death_month), len(TESTS), horizon_month + 1), dtype=np.float32)
    ill = np.flatnonzero(world.lesions.lesion_month.min(axis=1) < horizon_month)
    lesions, avid = world.lesions.of(ill), world.patients.avid[ill]
    for month in range(horizon_month + 1):
        size = lesions.diameter_mm(np.full(len(ill), float(month)))
        missed = np.ones((len(ill), len(TESTS)))
        for curve in world.curves:
            missed[:, TESTS.index(curve.test)] *= 1.0 - sensitivity(curve, size[:, CAUSES.index(curve.cause)], avid)
        found[ill, :, month] = 1.0 - missed
    return found


def _recorded(world: World, study: Study) -> FloatArray:
    """The clinic's table of the patients, through the same reader as any cohort's, (n_patients, n_baseline)."""
    columns = ["patient_id", *(baseline.name for baseline in study.baseline)]
    nothing = pd.DataFrame({"patient_id": pd.Series(dtype=str), "time": pd.Series(dtype=float)})
    for name in (*(marker.name for marker in study.marker), *(test.name for test in study.test)):
        nothing[name] = pd.Series(dtype=float)
    frame = world.recorded.select(columns).to_pandas()
    return records_from_frames(frame, nothing, study).histories.baseline


@dataclass(frozen=True)
class _Markers:
    """Markers of a block's patients; the luck of a month is drawn for the whole block, so it is the same for all."""

    world: World
    columns: tuple[int, ...]

    def __call__(self, patient: IntArray, month: int) -> FloatArray:
        """Values at a visit in that month, (n_rows, n_markers)."""
        world = self.world
        personal = personal_log_cga(world.patients, stream(world.seed, world.block, Component.VISIT))
        values = draw_markers(
            patient,
            np.full(len(patient), float(month)),
            personal=personal,
            patients=world.patients,
            lesions=world.lesions,
            biology=world.markers,
            rng=stream(world.seed, world.block, Component.VISIT, FIRST_MARKER_ROUND + month),
        )
        return values[:, self.columns]
