"""How much a clinic with too few slots loses, planned by the price of a slot or by a queue: synthetic patients.

    python -m examples.capacity

Trains on one synthetic cohort, takes patients of another as they stand after their last visit, gives them a share of
the slots that their free plans want, month by month and test by test, and prints one row per way to hand these out.
All figures are expectations under the fitted model, so no luck is in them; intervals draw the patients anew.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from examples.truth.cohorts import FRESH_SEED, LEARN_SEED, draw, study_of
from examples.truth.tables import header, line, with_interval
from model.audit.resampling import patient_weights
from model.command_line import at_least, say
from model.learning.fitting import fit_predictor
from model.schedule.__main__ import to_plan_for
from model.schedule.capacity.booking import by_slot, months_of
from model.schedule.capacity.plan import gather, share
from model.schedule.capacity.report import ways
from model.schedule.policy import POLICIES, read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.schedule.capacity.crowd import Crowd
    from model.types import FloatArray, IntArray

SEED, BLOCK = 1, 4000


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, line by line."""
    parser = argparse.ArgumentParser(prog="python -m examples.capacity", description=str(__doc__).split("\n")[0])
    parser.add_argument("--learn", type=at_least(1), default=4000, help="patients to train on (default 4000)")
    parser.add_argument("--patients", type=at_least(1), default=2000, help="patients to plan for (default 2000)")
    parser.add_argument(
        "--percent", type=at_least(0), default=60, help="slots there are, of those that free plans want (default 60)"
    )
    parser.add_argument("--policy", default="price", help="a policy of model/schedule/policies (default price)")
    options = parser.parse_args(arguments)
    with threadpool_limits(limits=1):
        for text in report(options):
            print(text, flush=True)
    return 0


def report(options: argparse.Namespace) -> Iterator[str]:
    """Yield the table's lines, and how near the best the shared plans are."""
    study = study_of("default")
    learn = draw("default", study, patients=options.learn, seed=LEARN_SEED).cohort
    predictor, _ = fit_predictor(study, learn.histories, learn.outcomes, seed=SEED)
    policy = read_policy(POLICIES / f"{options.policy}.toml")
    # About two in three of a cohort are still followed, and not for longer than the model supports.
    fresh = draw("default", study, patients=2 * options.patients, seed=FRESH_SEED).cohort
    _, patients = to_plan_for(predictor, fresh)
    patients = patients.select(np.arange(min(options.patients, len(patients))))
    crowd, wanted = gather(predictor, patients, policy, tier=None)
    room = slots_of(crowd, wanted, options.percent / 100)
    shared = share(crowd, wanted, room, rng=np.random.default_rng(SEED), tell=say)
    weight = patient_weights(len(patients), seed=SEED)
    found = ways(predictor, patients, policy, shared)
    months = {way.name: weight @ way.figures.undetected_months / len(patients) for way in found}
    yield f"{len(patients)} patients, {room.sum():.0f} slots, {options.percent} % of those wanted"
    yield from header("way", "months undetected", "missed", "cost", "months undetected less, %")
    for way in found:
        less = 100 * (1 - months[found[0].name] / months[way.name])
        missed = weight @ way.figures.missed_probability / len(patients)
        cost = weight @ way.figures.cost / len(patients)
        yield line(
            way.name,
            with_interval(months[way.name]),
            with_interval(missed, digits=4),
            with_interval(cost),
            "" if way is found[0] else with_interval(less, digits=1),
        )
    total = float(shared.value.sum())
    yield ""
    yield f"cost + price x months undetected: at most {100 * (total / shared.bound - 1):.1f} % above the least possible"


def slots_of(crowd: Crowd, wanted: IntArray, part: float) -> FloatArray:
    """Whole slots, (n_months, n_tests), that add up to a part of those wanted at every time."""
    load = part * crowd.load(wanted, crowd.comes(wanted, crowd.everybody))
    here = by_slot(np.ones((months_of(crowd.n_slots), load.shape[1])), crowd.n_slots)
    month = np.zeros((months_of(crowd.n_slots), load.shape[1]))
    for slot, its in enumerate(load / here.sum(axis=0)):
        month[max(3 * slot - 1, 0) : 3 * slot + 2] += its
    return np.diff(np.rint(np.cumsum(month, axis=0)), axis=0, prepend=0.0)


if __name__ == "__main__":
    sys.exit(main())
