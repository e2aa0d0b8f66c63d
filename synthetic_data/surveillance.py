"""Follow-up of one block of patients: visits, tests, markers, and how each course ends as the clinic sees it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthetic_data.arrays import BLOCK, BoolArray, Component, FloatArray, IntArray, stream
from synthetic_data.baseline import Patients
from synthetic_data.biology import Lesions
from synthetic_data.detection import sensitivity
from synthetic_data.follow_up import FollowUp
from synthetic_data.markers import MarkerBiology, draw_markers, personal_log_cga
from synthetic_data.parameters import CAUSES, CONFIRMING_TEST, TESTS, SizeCurve
from synthetic_data.plans import Plan, Seen, Visits, join_visits

NONE, DEATH = 0, len(CAUSES) + 1
EVENTS = ("none", *CAUSES, "death")
SHORTEST_GAP_MONTHS = 0.25  # no two visits within a week, P
MAX_ROUNDS = 2_000
# Of each pair one uniform u decides both: the first is done if u < share, the second if 1 - u < share. So they
# exclude each other as far as their shares allow, and both are done when a plan asks for both.
PAIRS = {TESTS.index("colonoscopy"): TESTS.index("sigmoidoscopy"), TESTS.index("liver_mri"): TESTS.index("ct")}
CONFIRMING = np.array([TESTS.index(test) for test in CONFIRMING_TEST])


@dataclass(frozen=True, slots=True)
class Course:
    """How follow-up went.

    visits : sorted by patient and month
    event : (n,) code into EVENTS
    month : (n,) when it was found, or the end of follow-up
    by_symptoms : (n,) found by symptoms rather than at a planned visit
    """

    visits: Visits
    event: IntArray
    month: FloatArray
    by_symptoms: BoolArray


@dataclass(frozen=True, slots=True)
class World:
    """One block as nature made it, which no plan can change; `recorded` is the clinic's table of the patients."""

    seed: int
    block: int
    patients: Patients
    lesions: Lesions
    follow_up: FollowUp
    recorded: pa.Table
    curves: Sequence[SizeCurve]
    markers: MarkerBiology
    jitter_months: float


def follow(world: World, plan: Plan) -> Course:
    """Follow every patient under the plan, round by round, until recurrence, death or the end of follow-up.

    Each round draws for the whole block from its own stream, so one patient's luck never depends on who else is
    still followed. Work-up clears false positives, so they are recorded as negative (facts sheet section 6).
    Of several causes found at one visit the most severe names the event: distant, nodal, local.
    """
    lesions, last = world.lesions, world.follow_up.end_month
    symptom_by_cause = lesions.symptom_month
    symptom = symptom_by_cause.min(axis=1)
    end = np.minimum(last, lesions.death_month)
    event = np.where(lesions.death_month <= last, DEATH, NONE)
    month = np.maximum(end.round(2), 0.01)
    by_symptoms = np.zeros(len(end), dtype=bool)
    personal = personal_log_cga(world.patients, stream(world.seed, world.block, Component.VISIT))

    rows, now, planned = np.arange(len(end)), np.zeros(len(end)), np.zeros(len(end))
    kept: list[Visits] = []
    for visit_round in range(1, MAX_ROUNDS):
        following = plan(Seen(world.recorded, rows, now, planned, kept))
        rng = stream(world.seed, world.block, Component.VISIT, visit_round)
        jitter, attends = rng.standard_normal(BLOCK)[rows], rng.random(BLOCK)[rows]
        test_luck, sight_luck = rng.random((BLOCK, len(TESTS)))[rows], rng.random((BLOCK, len(world.curves)))[rows]

        planned = following.month
        due = np.maximum(planned + world.jitter_months * jitter, now + SHORTEST_GAP_MONTHS)
        sick = symptom[rows] <= np.minimum(due, end[rows])
        at = np.where(sick, np.maximum(symptom[rows], now + 0.01), due).round(2)
        followed = sick | (due <= end[rows])
        comes = np.flatnonzero(sick | (followed & (attends < world.follow_up.attendance[rows])))

        who, when, ill = rows[comes], at[comes], sick[comes]
        done = _done(following.test_share[comes], test_luck[comes]) & ~ill[:, None]
        found, positive = _look(world, who, when, done, sight_luck[comes])
        cause_felt = symptom_by_cause[who].argmin(axis=1)
        found[ill, cause_felt[ill]] = True
        done[ill, CONFIRMING[cause_felt[ill]]] = True
        positive[ill, CONFIRMING[cause_felt[ill]]] = True

        markers = draw_markers(
            who, when, personal=personal, patients=world.patients, lesions=lesions, biology=world.markers, rng=rng
        )
        kept.append(Visits(who, when, markers, np.where(done, positive.astype(np.int64), -1)))
        hit = found.any(axis=1)
        event[who[hit]] = len(CAUSES) - found[hit, ::-1].argmax(axis=1)
        month[who[hit]] = when[hit]
        by_symptoms[who] = ill

        stays = followed.copy()
        stays[comes[hit]] = False
        rows, now, planned = rows[stays], at[stays], planned[stays]
        if not len(rows):
            return Course(join_visits(kept).sorted(), event, month, by_symptoms)
    raise RuntimeError(f"the plan asked for more than {MAX_ROUNDS} visits of one patient")


def _done(share: FloatArray, luck: FloatArray) -> BoolArray:
    """Which tests take place; (n, n_tests)."""
    luck = luck.copy()
    for second, first in PAIRS.items():
        luck[:, second] = 1.0 - luck[:, first]
    return luck < share


def _look(
    world: World, who: IntArray, when: FloatArray, done: BoolArray, luck: FloatArray
) -> tuple[BoolArray, BoolArray]:
    """What the tests find: causes (n, n_causes) and positive tests (n, n_tests). Each curve looks independently."""
    size = world.lesions.of(who).diameter_mm(when)
    avid = world.patients.avid[who]
    found, positive = np.zeros((len(who), len(CAUSES)), dtype=bool), np.zeros(done.shape, dtype=bool)
    for i, curve in enumerate(world.curves):
        test, cause = TESTS.index(curve.test), CAUSES.index(curve.cause)
        sees = done[:, test] & (luck[:, i] < sensitivity(curve, size[:, cause], avid))
        found[:, cause] |= sees
        positive[:, test] |= sees
    return found, positive
