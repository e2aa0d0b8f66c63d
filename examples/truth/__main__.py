"""Command line: `python -m examples.truth NAME` prints one table of docs/results.md."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from examples.truth.options import Options
from model.command_line import at_least
from synthetic_data.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Sequence

# The module that prints each table, and the variant it is about unless told otherwise.
NAMES = {
    "onset": ("onset", "default"),
    "one-step": ("one_step", "default"),
    "oracle": ("oracle", "default"),
    "coverage": ("coverage", "default"),
    "null": ("null", "null"),
    "missing": ("missing", "default"),
    "strong-markers": ("strong_markers", "strong-markers"),
    "small-centre": ("small_centre", "small-centre"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, line by line."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.truth", description="The model held against the truth of synthetic cohorts."
    )
    parser.add_argument("name", choices=NAMES, help="which table to print")
    parser.add_argument("--variant", choices=VARIANTS, help="of the synthetic cohorts (default: the table's own)")
    parser.add_argument(
        "--patients",
        type=at_least(1),
        default=20_000,
        help="to learn from (not small-centre), and as many fresh ones (default 20000)",
    )
    parser.add_argument(
        "--replicates", type=at_least(1), default=100, help="small-centre: cohorts to fit (default 100)"
    )
    parser.add_argument(
        "--repeats", type=at_least(1), default=1, help="onset: cohorts to learn from, each with a fresh one (default 1)"
    )
    parser.add_argument(
        "--oracle-patients",
        type=at_least(1),
        default=500_000,
        help="with visible onsets, for the oracle (default 500000)",
    )
    parser.add_argument(
        "--judged", type=at_least(1), default=2_500, help="coverage: patients with a band (default 2500)"
    )
    parser.add_argument("--jobs", type=at_least(1), default=1, help="processes for what can be split (default 1)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the oracle's predictions here")
    options = vars(parser.parse_args(arguments))
    module, variant = NAMES[options.pop("name")]
    options["variant"] = options["variant"] or variant
    for text in import_module(f"examples.truth.{module}").report(Options(**options)):
        print(text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
