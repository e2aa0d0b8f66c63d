"""The rectal NET model held against published cohorts: recurrences expected, beside the published number.

`python -m examples.literature --out DIR` writes `literature.md`, which is docs/literature.md, and `literature.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from examples.literature.cohorts import read_literature
from examples.literature.comparison import SETTINGS, compare, pooled
from examples.literature.expected import answered_until
from examples.literature.report import Comparison, as_json, in_short, page
from examples.truth.cohorts import LEARN_SEED, draw
from model.command_line import at_least, run
from model.learning.fitting import fit_predictor
from model.saved.artifact import load
from model.saved.atomic_folder import new_folder
from model.study.file import DEFAULT_STUDY, read_study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.predictor import Predictor

FIT_SEED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.literature", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to create")
    parser.add_argument("--artifact", type=Path, metavar="DIR", help="a trained model (default: train one now)")
    parser.add_argument(
        "--train", type=at_least(1), default=20_000, help="synthetic patients to train on (default 20000)"
    )
    parser.add_argument("--patients", type=at_least(1), default=2_000, help="drawn per published cohort (default 2000)")
    parser.add_argument("--seed", type=at_least(0), default=1, help="of the patients drawn (default 1)")
    options = parser.parse_args(arguments)
    return run(lambda: _write(options))


def _write(options: argparse.Namespace) -> None:
    with new_folder(options.out) as folder:
        predictor, name = _trained(options.train) if options.artifact is None else _loaded(options.artifact)
        literature, drawn = read_literature(), {"patients": options.patients, "seed": options.seed}
        rows = compare(predictor, literature, **drawn)
        variants = {
            setting.name: pooled([row.count for row in compare(predictor, literature, **drawn, setting=setting)])
            for setting in SETTINGS
        }
        comparison = Comparison(
            name,
            predictor.grid.horizon_month,
            answered_until(predictor),
            options.patients,
            options.seed,
            literature,
            rows,
            variants,
        )
        (folder / "literature.md").write_text(page(comparison), encoding="utf-8")
        document = json.dumps(as_json(comparison), indent=1, allow_nan=False)
        (folder / "literature.json").write_text(document + "\n", encoding="utf-8")
    print(in_short(comparison))


def _loaded(folder: Path) -> tuple[Predictor, str]:
    loaded = load(folder)
    made = "trained on synthetic data" if loaded.manifest.get("synthetic") else "trained on a cohort"
    return loaded.predictor, f"`{loaded.version}`, {made}"


def _trained(patients: int) -> tuple[Predictor, str]:
    known = draw("default", read_study(DEFAULT_STUDY), patients=patients, seed=LEARN_SEED)
    predictor, _ = fit_predictor(known.cohort.study, known.histories, known.cohort.outcomes, seed=FIT_SEED)
    return predictor, f"the default study, trained on {patients} synthetic patients (`default`, seed {LEARN_SEED})"


if __name__ == "__main__":
    sys.exit(main())
