"""Draw a cohort block by block: nature first, then what a clinic sees of it under a plan."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from synthetic_data.arrays import BLOCK, Component, FloatArray, stream
from synthetic_data.baseline import draw_patients
from synthetic_data.biology import draw_lesions
from synthetic_data.follow_up import draw_follow_up
from synthetic_data.parameters import CAUSES, MARKERS, TESTS
from synthetic_data.plans import Plan
from synthetic_data.recording import recorded_table
from synthetic_data.surveillance import EVENTS, Course, World, follow
from synthetic_data.variants import Variant


@dataclass(frozen=True, slots=True)
class Part:
    """One block of a cohort: nature and the course of its follow-up."""

    world: World
    course: Course

    def tables(self) -> dict[str, pa.Table]:
        """The block's part of the cohort tables, blank = missing."""
        ids = self.world.recorded["patient_id"].combine_chunks()
        visits, lesions = self.course.visits, self.world.lesions
        result = pa.array(["negative", "positive"])
        return {
            "patients": self.world.recorded,
            "visits": pa.table(
                {"patient_id": ids.take(pa.array(visits.patient)), "time": visits.month}
                | {m: pa.array(visits.markers[:, i], from_pandas=True) for i, m in enumerate(MARKERS)}
                | {
                    t: result.take(pa.array(visits.tests[:, i], mask=visits.tests[:, i] < 0))
                    for i, t in enumerate(TESTS)
                }
            ),
            "outcomes": pa.table(
                {
                    "patient_id": ids,
                    "time": self.course.month,
                    "event": pa.array(EVENTS).take(pa.array(self.course.event)),
                }
            ),
            "truth": pa.table(
                {"patient_id": ids}
                | {
                    f"{kind}_{cause}": _moment(moment[:, i], lesions.death_month)
                    for i, cause in enumerate(CAUSES)
                    for kind, moment in (("lesion", lesions.lesion_month), ("onset", lesions.onset_month))
                }
                | {"death_time": lesions.death_month.round(3)}
            ),
        }


def _moment(month: FloatArray, death_month: FloatArray) -> pa.Array:
    """A latent moment, blank when death comes first."""
    return pa.array(month.round(3), mask=month >= death_month)


def draw_world(variant: Variant, *, seed: int, block: int, patients: int = BLOCK) -> World:
    """Draw the first `patients` patients of one block: everything that no surveillance plan can change."""
    rng = {c: stream(seed, block, c) for c in Component}
    people = draw_patients(rng[Component.BASELINE], variant.centres, arm=variant.arm)
    lesions = draw_lesions(people, variant.nature, rng[Component.LESIONS], rng[Component.DEATH])
    follow_up = draw_follow_up(people, variant.adherence, rng[Component.FOLLOW_UP])
    recorded = recorded_table(
        people,
        block * BLOCK,
        rng[Component.RECORDING],
        blank_logit=variant.blank_logit,
        early_undergrading=variant.early_undergrading,
    )
    rows = slice(0, patients)
    return World(
        seed=seed,
        block=block,
        patients=people.of(rows),
        lesions=lesions.of(rows),
        follow_up=follow_up.of(rows),
        recorded=recorded.slice(0, patients),
        curves=variant.curves,
        markers=variant.markers,
        jitter_months=variant.adherence.jitter_months,
    )


def draw_parts(variant: Variant, *, patients: int, seed: int, plan: Plan | None = None) -> Iterator[Part]:
    """Draw a cohort one block at a time.

    Parameters
    ----------
    variant : what nature, tests and clinics are like
    patients : how many, > 0; the first of them are the same patients whatever the number
    seed : >= 0
    plan : the surveillance plan, the variant's own if None; lesions, growth and death do not depend on it
    """
    for block in range(-(-patients // BLOCK)):
        world = draw_world(variant, seed=seed, block=block, patients=min(BLOCK, patients - block * BLOCK))
        yield Part(world, follow(world, plan or variant.plan))


def draw_tables(variant: Variant, *, patients: int, seed: int, plan: Plan | None = None) -> dict[str, pa.Table]:
    """Draw a whole cohort into memory; see `draw_parts`."""
    parts = [part.tables() for part in draw_parts(variant, patients=patients, seed=seed, plan=plan)]
    return {name: pa.concat_tables([part[name] for part in parts]) for name in parts[0]}
