"""Fit a model to a local site: a model and the site's tables to a new version; the old one stays as it is.

Each cause is left alone, shifted, shifted and stretched, or fitted again around the old numbers, by how many local
events it has. Both models are then audited on the site's patients, the new one by cross-validation, and what that says
is printed. The last line printed is the path of the model to use; without enough events of any cause, the old one's.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from model.audit.external.update_helps import gain_without_folds
from model.audit.report import render
from model.audit.run import run as run_audit
from model.command_line import at_least, result, run, say
from model.errors import BadInputError, Problem
from model.learning.laid_out import LaidOut
from model.learning.split import patient_folds
from model.learning.updating import FEWEST_EVENTS, Method, update_predictor, update_without_folds
from model.saved import artifact
from model.saved.update_facts import cause_lines, compared, one_step_ahead, one_step_lines, told, updated_facts
from model.tables.cohort import read_cohort

if TYPE_CHECKING:
    from collections.abc import Sequence


N_FOLDS = 5

EXAMPLES = """examples:
  python -m model.update --artifact artifacts/VERSION --cohort DIR
  python -m model.update --artifact artifacts/VERSION --cohort DIR --method intercept --out artifacts
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and update."""
    parser = argparse.ArgumentParser(
        prog="python -m model.update",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--artifact", type=Path, required=True, metavar="DIR", help="the folder of the model to update")
    parser.add_argument("--cohort", type=Path, required=True, metavar="DIR", help="folder with the site's tables")
    parser.add_argument("--out", type=Path, default=Path("artifacts"), metavar="DIR", help="default: artifacts")
    limits = ", ".join(f"{method} from {fewest}" for method, fewest in reversed(FEWEST_EVENTS.items()))
    parser.add_argument(
        "--method",
        choices=("auto", *(method for method in get_args(Method) if method != "kept")),
        default="auto",
        help=f"of every cause that has events; auto (default): by their number, {limits}",
    )
    parser.add_argument("--seed", type=at_least(0), default=1, metavar="S", help="of folds and draws (default 1)")
    parser.add_argument("--jobs", type=at_least(1), default=1, metavar="N", help="processes to use (default 1)")
    options = parser.parse_args(arguments)
    method: Method | None = None if options.method == "auto" else options.method
    return run(
        lambda: update(options.artifact, options.cohort, options.out, method, seed=options.seed, jobs=options.jobs)
    )


def update(
    artifact_folder: Path, cohort_folder: Path, out: Path, method: Method | None, *, seed: int, jobs: int
) -> None:
    """Read, update, cross-validate, audit both models, write; `method` None = by the number of events."""
    model = artifact.load(artifact_folder)
    old, study = model.predictor, model.predictor.study
    cohort = read_cohort(cohort_folder, study)
    for warning in cohort.warnings:
        say(f"warning: {warning}")
    if len(cohort) < 2 * N_FOLDS:
        rule = f"{len(cohort)} patients are too few to update and cross-validate: at least {2 * N_FOLDS} are needed"
        raise BadInputError([Problem("patients", None, None, rule)])
    say(f"{study.title}: {len(cohort)} local patients for {model.version}")
    patients = LaidOut.of(old, cohort.histories, cohort.outcomes)
    asked = None if method is None else [method] * len(old.causes)
    new, updates = update_predictor(old, patients, seed=seed, methods=asked, jobs=jobs)
    for line in cause_lines(study, updates):
        result(line)
    if all(each.method == "kept" for each in updates):
        result(f"no cause has enough local events: {model.version} is left as it is")
        result(str(artifact_folder))
        return
    fold = patient_folds(cohort.outcomes.cause, n_folds=N_FOLDS, rng=np.random.default_rng([seed, 1]))
    say(f"cross-validation, {N_FOLDS} folds by patient")
    held_out = update_without_folds(old, patients, fold, updates, seed=seed, jobs=jobs)
    comparison = compared(study, gain_without_folds(old, held_out, patients, fold))
    for line in told(comparison):
        result(line)
    say("audit of the updated model, and of the old one on the same patients")
    after, before = (run_audit(cohort, fold, each, seed=seed, jobs=jobs) for each in (held_out, [old] * N_FOLDS))
    one_step = one_step_ahead(before, after)
    for line in one_step_lines(one_step):
        result(line)
    facts = updated_facts(model, cohort, updates, comparison, one_step, asked=method or "auto", seed=seed)
    study_text = (model.folder / "study.toml").read_text(encoding="utf-8")
    numbers = _documents(after, before, facts)
    version = artifact.version_of(study.name, artifact.encode(new, study_text, numbers))
    after, before = {**after, "version": version}, {**before, "version": model.version}
    facts = {**facts, "version": version}
    here = {**facts, "about": cohort.about, "sha256": cohort.sha256}  # What the pages are about: the site's patients.
    pages = {
        "audit.html": render(after, here),
        "audit_before_update.html": render(
            before, {**here, "version": model.version, "title": f"{study.title}, before the update"}
        ),
    }
    files = artifact.encode(new, study_text, {**_documents(after, before, facts), **pages})
    about = {
        "seed": seed,
        "synthetic": facts["synthetic"],
        "about": cohort.about,
        "data_sha256": cohort.sha256,
        "updated_from": facts["update"]["updated_from"],
        "update": facts["update"]["causes"],
    }
    folder, is_new = artifact.save(out, version, files, created=datetime.now(tz=UTC), about=about)
    if not is_new:
        say("this very model was there already; it is left as it was")
    result(str(folder))


def _documents(after: dict[str, Any], before: dict[str, Any], facts: dict[str, Any]) -> dict[str, str]:
    """Return the text of every json file, by name."""
    named = {"audit.json": after, "audit_before_update.json": before, "model_facts.json": facts}
    return {name: artifact.json_text(document) for name, document in named.items()}


if __name__ == "__main__":
    sys.exit(main())
