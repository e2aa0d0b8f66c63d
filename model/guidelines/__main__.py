"""List the rows of a guidelines file with their marks: whom each is for, when to come, which tests, how sure it is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model.command_line import result, run
from model.guidelines.entries import MARKS
from model.guidelines.file import DEFAULT_GUIDELINES, read_guidelines
from model.study.file import DEFAULT_STUDY, read_study

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.guidelines.entries import GuidelineFile, Row, Visits

EXAMPLES = """examples:
  python -m model.guidelines
  python -m model.guidelines --study STUDY.toml --guidelines GUIDELINES.toml
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and list."""
    parser = argparse.ArgumentParser(
        prog="python -m model.guidelines",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--study", type=Path, default=DEFAULT_STUDY, metavar="FILE")
    parser.add_argument("--guidelines", type=Path, default=DEFAULT_GUIDELINES, metavar="FILE")
    options = parser.parse_args(arguments)
    return run(lambda: _list(options.study, options.guidelines))


def _list(study: Path, guidelines: Path) -> None:
    for line in listed(read_guidelines(guidelines, read_study(study))):
        result(line)


def listed(guidelines: GuidelineFile) -> Iterator[str]:
    """Lines of the tables of follow-up and of treatment, in Markdown, then what the marks mean."""
    yield "| guideline | row | for | visits, months: tests | mark | assumed [P] | source |"
    yield "|---|---|---|---|---|---|---|"
    for guideline in guidelines.guideline:
        for row in guideline.row:
            yield _line(guideline.title, row.id, row.stratum, _visits(row), row.mark, _assumed(row.assumed), row.source)
    yield ""
    yield "| treatment | advice | kind | mark | assumed [P] | source |"
    yield "|---|---|---|---|---|---|"
    for body in guidelines.treatment:
        for rule in body.rule:
            yield _line(body.title, rule.advice, rule.kind, rule.mark, _assumed(rule.assumed), rule.source)
    yield ""
    yield "; ".join(f"{mark}: {meaning}" for mark, meaning in MARKS.items())


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _assumed(assumed: tuple[str, ...]) -> str:
    return "; ".join(assumed)


def _visits(row: Row) -> str:
    planned = "; ".join(f"{_when(visits)}: {', '.join(visits.tests)}" for visits in row.visits) or "none"
    return f"{planned}; also {row.also}" if row.also else planned


def _when(visits: Visits) -> str:
    if visits.months:
        return ", ".join(f"{month:g}" for month in visits.months)
    return f"{visits.first:g} to {visits.until:g} every {visits.every:g}"


if __name__ == "__main__":
    sys.exit(main())
