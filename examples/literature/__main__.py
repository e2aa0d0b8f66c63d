"""The rectal NET model held against published cohorts: recurrences expected, beside the published number.

Every trained model's audit has this comparison. `python -m examples.literature --out DIR` makes it from more patients
drawn, under more assumptions, for a model trained on a larger cohort: `literature.md`, which is docs/literature.md, and
`literature.json`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from examples.literature.donors import completed
from examples.truth.cohorts import LEARN_SEED, draw
from model.command_line import at_least, run
from model.learning.fitting import fit_predictor
from model.literature.comparison import SETTINGS, Setting
from model.literature.document import against
from model.literature.published import read_literature
from model.saved.artifact import json_text, load
from model.saved.atomic_folder import new_folder
from model.study.file import DEFAULT_STUDY, read_study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.predictor import Predictor

LITERATURE = DEFAULT_STUDY.with_name("rnet_literature.toml")
MORE_SETTINGS = (
    Setting("everybody followed for exactly the published mean or median", alike=True),
    Setting(
        "unpublished age, sex and pathology drawn as section 9 of the facts sheet proposes [P]", complete=completed
    ),
)
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
    parser.add_argument("--jobs", type=at_least(1), default=1, metavar="N", help="processes to use (default 1)")
    options = parser.parse_args(arguments)
    return run(lambda: _write(options))


def _write(options: argparse.Namespace) -> None:
    with new_folder(options.out) as folder:
        predictor, name = _trained(options.train) if options.artifact is None else _loaded(options.artifact)
        literature = read_literature(LITERATURE, predictor.study)
        drawn = {"patients": options.patients, "seed": options.seed, "jobs": options.jobs}
        document = {"model": name, **against(predictor, literature, settings=(*SETTINGS, *MORE_SETTINGS), **drawn)}
        (folder / "literature.md").write_text(page(document), encoding="utf-8")
        (folder / "literature.json").write_text(json_text(document), encoding="utf-8")
    print(document["short"])


def page(document: dict[str, object]) -> str:
    """The comparison as Markdown."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(),  # HTML only; this is Markdown
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("literature.md.j2").render(document)


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
