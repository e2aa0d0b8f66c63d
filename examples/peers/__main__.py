"""Development comparison on real patients: our model, landmark Cox, a random survival forest, survival boosting.

`python -m examples.peers --out FILE.json` predicts death within two years in the Copenhagen cirrhosis trial, from 0, 1,
3 and 5 years on, cross-validated by patient, all models on the same folds and features. Prints the table of
docs/results.md and writes its numbers. Needs requirements/peers.txt.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from examples.csl.convert import DATA, converted, write
from examples.peers.comparison import compare, predict_all, table
from examples.peers.rivals import RIVALS, MissingPeersError, check_installed
from model.command_line import at_least
from model.learning.fitting import fit_without_folds
from model.learning.split import patient_folds
from model.study.file import read_study
from model.tables.cohort import Cohort, read_cohort
from model.train import N_FOLDS


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON file to create")
    parser.add_argument("--seed", type=at_least(0), default=1, help="of folds, rivals and intervals (default 1)")
    options = parser.parse_args(arguments)
    if options.out.exists():
        print(f"{options.out}: exists already; name a new file", file=sys.stderr)
        return 2
    if not options.out.parent.is_dir():  # said before the work, not after it
        print(f"{options.out.parent}: no such folder; make it first", file=sys.stderr)
        return 2
    try:
        check_installed()
    except MissingPeersError as error:
        print(error, file=sys.stderr)
        return 2
    rows = run(trial(), seed=options.seed)
    document = {
        "seed": options.seed,
        "versions": {name: version(name) for name in ("scikit-survival", "lifelines", "numpy")},
        "rivals": {rival.name: {"learner": rival.learner, **rival.settings} for rival in RIVALS},
        "rows": rows,
    }
    options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(table(rows))
    return 0


def trial() -> Cohort:
    """Read the trial as the example of it does."""
    with TemporaryDirectory() as folder:
        cohort = Path(folder) / "cohort"
        write(converted(DATA)[0], cohort)
        return read_cohort(cohort, read_study(DATA.parent / "csl.toml"))


def run(cohort: Cohort, *, seed: int) -> list[dict[str, object]]:
    """Fit everything on the folds that training uses, and compare."""
    outcomes = cohort.outcomes
    fold = patient_folds(outcomes.cause, n_folds=N_FOLDS, rng=np.random.default_rng([seed, 1]))
    predictors = fit_without_folds(cohort.study, cohort.histories, outcomes, fold, seed=seed, jobs=1)
    return compare(predict_all(cohort, fold, predictors, seed=seed), outcomes, seed=seed)


if __name__ == "__main__":
    sys.exit(main())
