"""Train a model: a cohort's tables to `artifacts/<version>/`, with an audit by cross-validation.

The last line printed is the path of the artifact. Equal data, seed and library versions give equal sums, with any
number of jobs.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.audit.external.case_mix import prognosis
from model.audit.external.held_out import by_centre, by_time
from model.audit.external.validation import judge_parts
from model.audit.report import render
from model.audit.run import run as run_audit
from model.cluster import spread_over
from model.command_line import at_least, result, run, say, shown
from model.errors import BadInputError, Problem
from model.learning.fitting import (
    LEARNERS,
    check_learned,
    fit_predictor,
    fit_without_folds,
    learners_for,
    priors_without_folds,
)
from model.learning.selection import select_learner
from model.learning.split import patient_folds
from model.literature.document import against
from model.literature.published import beside, read_literature
from model.saved import artifact
from model.saved.facts import model_facts
from model.study.file import DEFAULT_STUDY, read_study
from model.tables.cohort import Cohort, read_cohort
from model.tables.suspicions import odd_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.audit.external.held_out import HeldOut
    from model.predictor import Predictor
    from model.types import IntArray

N_FOLDS = 5
# Learners are compared on at most so many: more would cost minutes, and a difference that shows only in more is small.
SELECTION_PATIENTS = 4000

EXAMPLES = """examples:
  python -m synthetic_data --patients 4000 --seed 1 --out cohort
  python -m model.train --cohort cohort
  python -m model.train --cohort DIR --study my-study.toml --out artifacts --seed 3 --jobs 2
  python -m model.train --cohort DIR --dask tls://10.0.0.5:8786
  python -m model.train --cohort DIR --validate centre
  python -m model.train --cohort DIR --validate temporal:2019-01-01
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(
        prog="python -m model.train",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cohort", type=Path, required=True, metavar="DIR", help="folder with the cohort's tables")
    parser.add_argument("--study", type=Path, default=DEFAULT_STUDY, metavar="FILE", help="study file (default: rnet)")
    parser.add_argument("--out", type=Path, default=Path("artifacts"), metavar="DIR", help="default: artifacts")
    parser.add_argument("--seed", type=at_least(0), default=1, metavar="S", help="of folds and draws (default 1)")
    parser.add_argument("--jobs", type=at_least(1), default=1, metavar="N", help="processes to use (default 1)")
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="scheduler of a Dask cluster, such as tls://10.0.0.5:8786, that does the work of --jobs; its workers need "
        "this very version, and can read the cohort",
    )
    choices = ("auto", *LEARNERS)
    parser.add_argument(
        "--learner", choices=choices, default="auto", help="default auto: by cross-validated likelihood"
    )
    parser.add_argument(
        "--literature",
        type=Path,
        metavar="FILE",
        help="published cohorts to hold it against (default: rnet's, for rnet)",
    )
    parser.add_argument(
        "--validate",
        type=_checked_split,
        metavar="HOW",
        help="judge models fitted without each centre (centre), or without the patients from a day on (temporal:DATE; "
        "temporal: from when on a third of the target events are)",
    )
    options = parser.parse_args(arguments)
    how = {name: getattr(options, name) for name in ("seed", "jobs", "learner", "literature", "validate")}

    def trained() -> None:
        with spread_over(options.dask):
            train(options.cohort, options.study, options.out, **how)

    return run(trained)


def train(
    cohort_folder: Path,
    study_path: Path,
    out: Path,
    *,
    seed: int,
    jobs: int,
    learner: str = "auto",
    literature: Path | None = None,
    validate: str | None = None,
) -> None:
    """Read, select, fit, cross-validate, audit, write; nothing is written unless everything succeeded."""
    study = read_study(study_path)
    literature = literature or beside(study_path)
    published = read_literature(literature, study) if literature else None
    cohort = read_cohort(cohort_folder, study)
    for warning in (*cohort.warnings, *odd_columns(cohort)):
        say(f"warning: {warning}")
    _check_size(cohort)
    say(f"{study.title}: {len(cohort)} patients")
    parts = _split(cohort, validate) if validate else None
    check_learned(study, cohort.outcomes)
    fold = patient_folds(cohort.outcomes.cause, n_folds=N_FOLDS, rng=np.random.default_rng([seed, 1]))
    asked = learner
    held_out: Sequence[Predictor] | None = None
    table: list[dict[str, Any]] = []
    if learner == "auto":
        learner, table, held_out = _select(cohort, fold, seed=seed, jobs=jobs)
    predictor, fits = fit_predictor(study, cohort.histories, cohort.outcomes, seed=seed, learner=learner)
    for event, fit in zip(study.event, fits, strict=True):
        ending = "" if fit.converged else ", NOT converged"
        say(f"  {event.name}: {fit.n_events} events, {fit.iterations} iterations{ending}")
    say(f"  answers are supported up to month {predictor.supported_until_month:g}")
    patients = (study, cohort.histories, cohort.outcomes, fold)
    if held_out is None:
        say(f"cross-validation, {N_FOLDS} folds by patient")
        held_out = fit_without_folds(*patients, seed=seed, jobs=jobs, learner=learner, watch=shown)
    say("audit")
    priors = priors_without_folds(*patients, seed=seed, jobs=jobs, watch=shown) if study.has_priors else None
    report = run_audit(cohort, fold, held_out, seed=seed, jobs=jobs, prior_alone=priors, learners=table, watch=shown)
    if published:
        say(f"{len(published.cohort)} published cohorts")
        report["literature"] = against(predictor, published, seed=seed, jobs=jobs)
    if parts:
        say(f"validation, leaving out {', '.join(parts.names)}")
        report["validation"] = judge_parts(cohort, parts, seed=seed, jobs=jobs, learner=learner, watch=shown)
    study_text = study_path.read_text(encoding="utf-8-sig")
    facts = model_facts(cohort, predictor, fits, seed=seed, learner=learner, asked=asked)
    facts["prognosis"] = prognosis(predictor, cohort.histories)
    facts["command"] += f" --validate {validate}" if validate else ""
    version, files = _files(predictor, study_text, report, facts)
    about = {"seed": seed, "synthetic": facts["synthetic"], "about": cohort.about, "data_sha256": cohort.sha256}
    folder, is_new = artifact.save(out, version, files, created=datetime.now(tz=UTC), about=about)
    if not is_new:
        say("this very model was there already; it is left as it was")
    result(str(folder))


def _select(
    cohort: Cohort, fold: IntArray, *, seed: int, jobs: int
) -> tuple[str, list[dict[str, Any]], Sequence[Predictor] | None]:
    """Return (chosen learner, table, predictors without each fold if all patients took part)."""
    rng = np.random.default_rng([seed, 2])
    who = np.sort(rng.permutation(len(cohort))[:SELECTION_PATIENTS])
    say(f"choosing a learner, {N_FOLDS} folds by patient" + (f", on {len(who)} of them" * (len(who) < len(cohort))))
    few = (cohort.study, cohort.histories.select(who), cohort.outcomes.select(who), fold[who])
    learners = learners_for(cohort.study, cohort.outcomes)
    selection = select_learner(*few, learners=learners, seed=seed, jobs=jobs, watch=shown)
    for row in selection.table:
        behind, error = abs(row["difference_to_best"]["value"]), row["difference_to_best"]["standard_error"]
        place = f"{behind:.5f} a patient behind the best (standard error {error:.5f})" if behind else "the best"
        say(f"  {row['name']}: log likelihood {row['log_likelihood']:.1f}, {place}{', chosen' * row['chosen']}")
    if selection.chosen == "published":
        say("  so few events do not improve on what is published: the hazards are the study file's, nothing is learned")
    whole = len(who) == len(cohort)
    return selection.chosen, selection.table, selection.held_out[selection.chosen] if whole else None


def _checked_split(text: str) -> str:
    """Take `centre`, `temporal` or `temporal:DATE`."""
    kind, _, day = text.partition(":")
    if kind == "temporal" and day:
        try:
            date.fromisoformat(day)
        except ValueError:
            raise argparse.ArgumentTypeError("the day must be a calendar date such as 2019-01-01") from None
    elif text not in ("centre", "temporal"):
        raise argparse.ArgumentTypeError("must be centre, temporal or temporal:DATE")
    return text


def _split(cohort: Cohort, how: str) -> HeldOut:
    """Take the cohort apart as asked, or refuse before anything is fitted."""
    _, _, day = how.partition(":")
    return by_centre(cohort) if how == "centre" else by_time(cohort, date.fromisoformat(day) if day else None)


def _files(
    predictor: Predictor, study_text: str, report: dict[str, Any], facts: dict[str, Any]
) -> tuple[str, dict[str, bytes]]:
    """Return (version, files): the version is the sum of the numbers, and the pages then carry it."""

    def texts(report: dict[str, Any], facts: dict[str, Any]) -> dict[str, str]:
        named = {"audit.json": report, "model_facts.json": facts}
        return {name: artifact.json_text(document) for name, document in named.items()}

    numbers = artifact.encode(predictor, study_text, texts(report, facts))
    version = artifact.version_of(predictor.study.name, numbers)
    report, facts = {**report, "version": version}, {**facts, "version": version}
    pages = {**texts(report, facts), "audit.html": render(report, facts)}
    return version, artifact.encode(predictor, study_text, pages)


def _check_size(cohort: Cohort) -> None:
    if len(cohort) < 2 * N_FOLDS:
        rule = f"{len(cohort)} patients are too few to train and cross-validate: at least {2 * N_FOLDS} are needed"
        raise BadInputError([Problem("patients", None, None, rule)])


if __name__ == "__main__":
    sys.exit(main())
