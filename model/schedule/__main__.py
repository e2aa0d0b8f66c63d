"""Plan the visits of a whole cohort: its tables, a model and a policy to one long table of visits.

A row is one visit: `patient_id,as_of,step,time,earliest,latest,tests`, times in the study's unit since the origin.
Plans are made as of each patient's last visit (of the origin for who had none), nothing having been found by then, for
as long as nothing is found. Patients whose event came, or with a positive test, are left out. `--figures` writes a
second table with a row per patient: what the plan costs and how long a recurrence would stay unseen, as the model
reckons. `--capacity` plans all patients together within the slots of a file; every patient's moment is then month 0.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from model.command_line import result, run, say
from model.errors import BadInputError, NotSupportedError, Problem
from model.guidelines.file import DEFAULT_GUIDELINES, read_guidelines
from model.risk_table import Questions, found_by_then
from model.saved import artifact
from model.saved.atomic_file import new_file
from model.schedule.capacity.command import plan_together
from model.schedule.capacity.slots_file import read_slots
from model.schedule.matching import match_guideline
from model.schedule.planner import Patients, plan
from model.schedule.policy import read_policy
from model.study.definition import MOST_MONTHS
from model.tables.cohort import read_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.predictor import Predictor
    from model.schedule.capacity.slots_file import Slots
    from model.schedule.planner import Plans
    from model.schedule.policy import Policy
    from model.tables.cohort import Records
    from model.types import BoolArray, FloatArray, IntArray

PROGRESS_PATIENTS = 1000
TIERS = ("primary", "regional", "tertiary")
EXAMPLES = """examples:
  python -m model.schedule --artifact artifacts/VERSION --cohort DIR --policy policy.toml --out plans.csv
  python -m model.schedule --artifact artifacts/VERSION --cohort DIR --policy policy.toml --out plans.csv \\
      --figures figures.csv --tier regional
  python -m model.schedule --artifact artifacts/VERSION --cohort DIR --policy policy.toml --out plans.csv \\
      --capacity slots.csv

A policy with rule = "match-guideline" and no price is matched on this cohort as it stood at the origin; the price is
printed, to be written into the file.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and plan."""
    parser = argparse.ArgumentParser(
        prog="python -m model.schedule",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--artifact", type=Path, required=True, metavar="DIR", help="a model's folder")
    parser.add_argument("--cohort", type=Path, required=True, metavar="DIR", help="folder with the cohort's tables")
    parser.add_argument(
        "--policy", type=Path, required=True, metavar="FILE", help="docs/schedule.md says what it holds"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="csv of visits; replaced if it exists")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="csv of figures, a row per patient")
    parser.add_argument(
        "--capacity", type=Path, metavar="FILE", help="csv of slots by month and test; docs/capacity.md says more"
    )
    parser.add_argument("--tier", choices=TIERS, help="use this tier's tests only")
    parser.add_argument("--guidelines", type=Path, default=DEFAULT_GUIDELINES, metavar="FILE")
    options = parser.parse_args(arguments)
    with threadpool_limits(limits=1):  # many small sums: more threads cost more than they gain
        return run(lambda: schedule(options))


def schedule(options: argparse.Namespace) -> None:
    """Read, plan, write; all of each table or nothing."""
    model = artifact.load(options.artifact)
    predictor = model.predictor
    study = predictor.study
    policy = read_policy(options.policy)
    slots = read_slots(options.capacity, study) if options.capacity else None
    records = read_records(options.cohort, study)
    for warning in records.warnings:
        say(f"warning: {warning}")
    if policy.guideline is not None and policy.price is None:
        policy = _matched(predictor, records, policy, options)
    who, patients = to_plan_for(predictor, records)
    with ExitStack() as files:
        out = files.enter_context(new_file(options.out))
        figures = files.enter_context(new_file(options.figures)) if options.figures else None
        done = 0
        for part, plans, by_visit, by_patient in _planned(predictor, patients, policy, slots, options.tier):
            names = np.array(records.patient_id, dtype=object)[who[part]]
            _append(out, _visits(plans, names, predictor).assign(**by_visit), first=done == 0)
            if figures:
                _append(figures, _figures(plans, names, predictor).assign(**by_patient), first=done == 0)
            if (done + len(part)) // PROGRESS_PATIENTS > done // PROGRESS_PATIENTS:
                say(f"  {done + len(part)} of {len(patients)} planned")
            done += len(part)
    result(model.facts["regulatory_status"])
    result(str(options.out))


def _planned(
    predictor: Predictor, patients: Patients, policy: Policy, slots: Slots | None, tier: str | None
) -> Iterator[tuple[IntArray, Plans, dict[str, FloatArray], dict[str, FloatArray]]]:
    """Yield (which patients, their plans, more columns of the visits, more columns of the figures)."""
    if slots is None:
        for part, plans in plan(predictor, patients, policy, tier=tier):
            yield part, plans, {}, {}
        return
    found = plan_together(predictor, patients, policy, slots, tier=tier)
    moved, loss = {"moved_months": found.moved_months}, {"loss": np.round(found.loss, 5)}
    yield np.arange(len(patients)), found.plans, moved, loss


def _matched(predictor: Predictor, records: Records, policy: Policy, options: argparse.Namespace) -> Policy:
    guidelines = read_guidelines(options.guidelines, predictor.study)
    named = {guideline.id: guideline for guideline in guidelines.guideline}
    if policy.guideline not in named:
        rule = f"no [[guideline]] of {options.guidelines.name} has this id; there are {', '.join(named)}"
        raise BadInputError([Problem(str(options.policy), None, "guideline", rule)])
    found = match_guideline(
        predictor, records.histories, policy, named[policy.guideline], guidelines, tier=options.tier
    )
    say(
        f"  {policy.guideline}, {found.match.n_patients} patients from the origin on: cost {found.cost:.2f}, "
        f"{found.undetected_months:.3f} months undetected; plans: {found.match.cost:.2f}, "
        f"{found.match.undetected_months:.3f} (by the model's reckoning, means per patient)"
    )
    result(f"price = {found.match.price:.4g}")
    return policy.model_copy(update={"price": float(f"{found.match.price:.4g}")})


def to_plan_for(predictor: Predictor, records: Records) -> tuple[IntArray, Patients]:
    """Everybody still followed whose last visit the model supports; says who is left out."""
    visit = records.histories.visit_month
    now = np.where(np.isfinite(visit), visit, 0.0).max(axis=1, initial=0.0)
    everybody = np.arange(len(records))
    at_last = Questions(everybody, np.full(len(records), MOST_MONTHS))
    found = found_by_then(records, at_last)
    late = ~found & (now > predictor.supported_until_month)
    say(f"{predictor.study.title}: {len(records)} patients, {int((~found & ~late).sum())} plans")
    say(f"  {int(found.sum())} left out: their event came, or a test is positive")
    if late.any():
        unit = predictor.study.time_unit
        until = predictor.supported_until_month / predictor.study.months_per_unit
        say(f"  {int(late.sum())} left out: last seen after {until:g} {unit}, beyond what the model supports")
    who = np.flatnonzero(~found & ~late)
    if not len(who):
        raise NotSupportedError("there is nobody to plan for")
    return who, Patients(records.histories.select(who), now[who])


def _visits(plans: Plans, names: FloatArray, predictor: Predictor) -> pd.DataFrame:
    study = predictor.study
    unit = study.months_per_unit
    visited = plans.done.any(axis=2)
    who, slot = np.nonzero(visited)
    step = np.cumsum(visited, axis=1)[who, slot]
    first = step == 1
    since = plans.as_of_month[who]

    def when(month: FloatArray) -> FloatArray:
        return np.round((since + month) / unit, 3)

    return pd.DataFrame(
        {
            "patient_id": names[who],
            "as_of": np.round(since / unit, 3),
            "step": step,
            "time": when(plans.slot_month[slot]),
            "earliest": np.where(first, when(plans.earliest_month[who]), np.nan),
            "latest": np.where(first, when(plans.latest_month[who]), np.nan),
            "tests": _named(plans.done[who, slot], [test.name for test in study.test]),
        }
    )


def _named(done: BoolArray, tests: list[str]) -> list[str]:
    """Names of the tests of each visit, separated by spaces; each set is written out once."""
    sets, which = np.unique(done, axis=0, return_inverse=True)
    names = [" ".join(np.array(tests)[row]) for row in sets]
    return [names[index] for index in which.reshape(-1)]


def _figures(plans: Plans, names: FloatArray, predictor: Predictor) -> pd.DataFrame:
    found, unit = plans.figures, predictor.study.months_per_unit
    columns = {
        "planned_visits": found.planned_visits,
        "expected_visits": found.visits,
        "cost": found.cost,
        "burden_days": found.burden_days,
        "false_positives": found.false_positives,
        "onset_probability": found.onset_probability,
        "undetected_months": found.undetected_months,
        "delay_months": found.delay_months,
        "missed_probability": found.missed_probability,
        "waits_6_months": found.waits[:, 0],
        "waits_12_months": found.waits[:, 1],
        "price": plans.price,
    }
    rounded = {name: np.round(values, 5) for name, values in columns.items()}
    as_of = np.round(plans.as_of_month / unit, 3)
    return pd.DataFrame({"patient_id": names, "as_of": as_of, **rounded, "limit_not_kept": plans.broken})


def _append(path: Path, table: pd.DataFrame, *, first: bool) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        table.to_csv(file, index=False, header=first, lineterminator="\n")


if __name__ == "__main__":
    sys.exit(main())
