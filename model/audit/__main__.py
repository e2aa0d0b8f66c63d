"""Audit a saved model on another cohort: external validation.

Writes the same audit.json and audit.html as training does, about the patients of this cohort, and in them: who differs
from the training cohort, whether `model.update` would help here, and, where the truth is known, how predicted onsets
compare with true ones. The model is not changed. The simpler models it is compared with learn from this cohort, by
cross-validation. The last line printed is the folder that was written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.audit.external.case_mix import case_mix
from model.audit.external.truth import audit_truth, read_truth
from model.audit.external.update_helps import lines, update_helps
from model.audit.report import render
from model.audit.run import run as run_audit
from model.command_line import at_least, result, run, say, shown
from model.errors import BadInputError, Problem
from model.learning.split import patient_folds
from model.saved import artifact
from model.saved.atomic_folder import new_folder
from model.tables.cohort import Cohort, read_cohort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.saved.artifact import LoadedModel

N_FOLDS = 5

EXAMPLES = """examples:
  python -m model.audit --artifact artifacts/VERSION --cohort DIR --out audit
  python -m model.audit --artifact artifacts/VERSION --cohort DIR --truth DIR/truth.csv --out audit --jobs 2
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and audit."""
    parser = argparse.ArgumentParser(
        prog="python -m model.audit",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--artifact", type=Path, required=True, metavar="DIR", help="the folder of the model")
    parser.add_argument("--cohort", type=Path, required=True, metavar="DIR", help="folder with the cohort's tables")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write; must not be there yet")
    parser.add_argument(
        "--truth", type=Path, metavar="FILE", help="true onsets of a simulated cohort, as synthetic_data writes them"
    )
    parser.add_argument("--seed", type=at_least(0), default=1, metavar="S", help="of folds and draws (default 1)")
    parser.add_argument("--jobs", type=at_least(1), default=1, metavar="N", help="processes to use (default 1)")
    options = parser.parse_args(arguments)
    how = {"truth_file": options.truth, "seed": options.seed, "jobs": options.jobs}
    return run(lambda: audit(options.artifact, options.cohort, options.out, **how))


def audit(
    artifact_folder: Path, cohort_folder: Path, out: Path, *, truth_file: Path | None, seed: int, jobs: int
) -> None:
    """Read, audit, compare, write; nothing is written unless everything succeeded."""
    if out.exists():
        raise FileExistsError(f"{out} exists already")
    model = artifact.load(artifact_folder)
    predictor = model.predictor
    cohort = read_cohort(cohort_folder, predictor.study)
    if len(cohort) < 2 * N_FOLDS:
        rule = f"{len(cohort)} patients are too few to audit a model on: at least {2 * N_FOLDS} are needed"
        raise BadInputError([Problem("patients", None, None, rule)])
    truth = read_truth(truth_file, cohort) if truth_file else None
    for warning in (*cohort.warnings, *(truth.warnings if truth else ())):
        say(f"warning: {warning}")
    seen_before = cohort.sha256 == model.manifest["data_sha256"]
    if seen_before:
        say("warning: the model was trained on these very tables: this is no validation")
    say(f"{predictor.study.title}: {len(cohort)} patients, {model.version}")
    fold = patient_folds(cohort.outcomes.cause, n_folds=N_FOLDS, rng=np.random.default_rng([seed, 1]))
    say("audit")
    report = run_audit(cohort, fold, [predictor] * N_FOLDS, seed=seed, jobs=jobs, version=model.version, watch=shown)
    say("comparison with the training cohort")
    report |= {
        "external": {"trained_on": model.manifest["data_sha256"], "audited": cohort.sha256, "same_data": seen_before},
        "case_mix": case_mix(predictor, model.facts, cohort),
    }
    say(f"would an update help, {N_FOLDS} folds by patient")
    report["update_helps"] = update_helps(predictor, cohort, fold, seed=seed, jobs=jobs)
    if truth:
        say("true onsets")
        landmarks = report["rules"]["landmarks"]
        report["truth"] = audit_truth(predictor, cohort, truth, landmarks, seed=seed, jobs=jobs)
    facts = _facts(model, cohort, seed=seed, truth=truth is not None)
    with new_folder(out) as scratch:
        (scratch / "audit.json").write_text(artifact.json_text(report), encoding="utf-8")
        (scratch / "audit.html").write_text(render(report, facts), encoding="utf-8")
    for line in _in_short(report):
        result(line)
    result(str(out))


def _facts(model: LoadedModel, cohort: Cohort, *, seed: int, truth: bool) -> dict[str, Any]:
    """What the page says of its origin: the model's facts, with these patients in the place of those of training."""
    options = f"--seed {seed}" + " --truth FILE" * truth
    stated = (model.facts.get("synthetic"), cohort.about.get("synthetic"))
    return {
        **model.facts,
        "version": model.version,
        "synthetic": True if True in stated else None if None in stated else False,
        "about": cohort.about,
        "sha256": cohort.sha256,
        "seed": seed,
        "command": f"python -m model.audit --artifact {model.version} --cohort DIR --out OUT {options}",
    }


def _in_short(report: dict[str, Any]) -> list[str]:
    """What the reader wants to know first."""
    ahead = [
        f"  {row['event']}: {row['ratio']['value']:.2f} ({row['ratio']['low']:.2f} to {row['ratio']['high']:.2f})"
        for row in report["one_step"]
        if row["group"] == "all" and row["ratio"]
    ]
    return [
        *(["observed / expected findings at the next visit:", *ahead] if ahead else []),
        *report["case_mix"]["statement"],
        "an update to these patients would do, by cross-validation:",
        *lines(report["update_helps"]),
    ]


if __name__ == "__main__":
    sys.exit(main())
