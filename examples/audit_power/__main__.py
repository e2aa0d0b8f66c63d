"""How often the audit's verdict flags a predictor that is right, and one that is wrong in a known way.

`python -m examples.audit_power` draws cohorts whose true risks are known and lets the verdict of the audit judge four
predictors on each. Prints the table of docs/audit.md. Synthetic throughout.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed

from examples.audit_power.patients import FOUND, known
from examples.audit_power.predictors import PREDICTORS
from examples.truth.tables import header, line
from model.audit.run import held_against
from model.audit.verdict import QUESTIONS, verdict
from model.command_line import at_least
from model.watch import runner, unwatched

if TYPE_CHECKING:
    from examples.audit_power.patients import Known


def main(arguments: list[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.audit_power", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cohorts", type=at_least(1), default=50, metavar="N", help="to draw (default 50)")
    parser.add_argument("--patients", type=at_least(100), default=5000, metavar="N", help="of each (default 5000)")
    parser.add_argument("--seed", type=at_least(0), default=1, metavar="S", help="default 1")
    parser.add_argument("--jobs", type=at_least(1), default=1, metavar="N", help="processes to use (default 1)")
    options = parser.parse_args(arguments)
    drawn = Parallel(n_jobs=options.jobs)(
        delayed(judge_all)(options.seed, number, options.patients) for number in range(options.cohorts)
    )
    events = np.mean([each["events"] for each in drawn], axis=0)
    size = f"{options.cohorts} cohorts of {options.patients} patients"
    print(f"{size}, on average {events[0]:.0f} found, {events[1]:.0f} dead\n")
    for text in header("predictor", "flagged", *QUESTIONS, "passes the gate"):
        print(text)
    for name in PREDICTORS:
        told = [each[name] for each in drawn]
        asked = [{flag["question"] for flag in each["flags"]} for each in told]
        by_question = [sum(question in each for each in asked) for question in QUESTIONS]
        gate = sum(all(row["passed"] for row in each["gate"]) for each in told)
        print(line(name, sum(bool(each) for each in asked), *by_question, gate))
    return 0


def judge_all(seed: int, number: int, n_patients: int) -> dict[str, Any]:
    """Draw one cohort and judge every predictor on it: verdicts by name, and `events`, how many found and dead."""
    drawn = known(np.random.default_rng([seed, number]), n_patients)
    found = {name: judge(drawn.predicted_by(wrong), seed=number) for name, wrong in PREDICTORS.items()}
    return {**found, "events": [int((drawn.cohort.outcomes.cause == cause).sum()) for cause in (FOUND, FOUND + 1)]}


def judge(predicted: Known, *, seed: int) -> dict[str, Any]:
    """Let the audit judge what was predicted of one cohort."""
    study = predicted.cohort.study
    rows = held_against(
        predicted.cohort,
        [predicted.at_start],
        [{FOUND: predicted.steps}],
        seed=seed,
        parallel=runner(1, unwatched),
    )
    events = [{"name": event.name, "label": event.name, "observed": event.observed} for event in study.event]
    return verdict({**rows, "events": events, "rules": {"supported_until": 0.0}})


if __name__ == "__main__":
    sys.exit(main())
