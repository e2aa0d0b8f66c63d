"""The comparison as a Markdown page and as JSON: the answer first, then every cohort, then everything assumed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from examples.literature.comparison import pooled, without_each
from examples.literature.patients import ATTENDANCE_WEIGHT, LOG_SIZE_MEAN, LOG_SIZE_SD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from examples.literature.cohorts import Literature, Published
    from examples.literature.comparison import Count, Row


@dataclass(frozen=True)
class Comparison:
    """Everything that was computed.

    Attributes
    ----------
    model : which one, in words
    horizon, answered : months that one forecast reaches, and that forecasts reach in all
    patients, seed : drawn per cohort, and from what
    rows : as assumed per cohort, in the literature's order
    variants : all cohorts pooled under each other setting, by its name
    """

    model: str
    horizon: float
    answered: float
    patients: int
    seed: int
    literature: Literature
    rows: Sequence[Row]
    variants: dict[str, Count]

    @property
    def counts(self) -> list[Count]:
        """Of each cohort."""
        return [row.count for row in self.rows]

    @property
    def pairs(self) -> list[tuple[Published, Row]]:
        """What is published of each cohort, and what is expected."""
        return list(zip(self.literature.cohort, self.rows, strict=True))


def page(comparison: Comparison) -> str:
    """The whole page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(),  # HTML only; this is Markdown
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("literature.md.j2").render(
        **vars(comparison),
        short=in_short(comparison),
        pairs=comparison.pairs,
        total=pooled(comparison.counts),
        visits=comparison.literature.visits,
        left_out=comparison.literature.left_out,
        attendance_weight=ATTENDANCE_WEIGHT,
        log_size_mean=LOG_SIZE_MEAN,
        log_size_sd=LOG_SIZE_SD,
    )


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The same numbers at full precision; null where a ratio does not exist."""
    literature = comparison.literature
    return {
        "model": comparison.model,
        "patients": comparison.patients,
        "seed": comparison.seed,
        "visits": literature.visits.model_dump(mode="json"),
        "cohorts": [
            {
                **cohort.model_dump(mode="json", exclude_none=True),
                **_figures(row.count),
                "expected_by_cause": row.expected_by_cause,
                "covered": row.covered,
            }
            for cohort, row in comparison.pairs
        ],
        "pooled": _figures(pooled(comparison.counts)),
        "variants": {name: _figures(count) for name, count in comparison.variants.items()},
        "left_out": [each.model_dump() for each in literature.left_out],
    }


def in_short(comparison: Comparison) -> str:
    """How it comes out, computed from the figures: nobody wrote it."""
    counts, total = comparison.counts, pooled(comparison.counts)
    outside = [(cohort, row.count) for cohort, row in comparison.pairs if not row.count.agrees]
    left = [count.ratio for count in without_each(counts)]
    papers = {cohort.source for cohort in comparison.literature.cohort}
    short = (
        f"{len(counts)} cohorts from {len(papers)} publications, {total.n} patients: {total.observed} recurrences "
        f"published, {total.expected:.1f} expected to be found, observed/expected {_ratio(total)}. {_verdict(total)} "
        f"Leaving out one cohort at a time, it lies between {min(left):.2f} and {max(left):.2f}. The expected share "
        f"lies within the exact interval of the published one in {len(counts) - len(outside)} of {len(counts)} cohorts"
    )
    named = (f"{cohort.title} ({count.observed} against {count.expected:.2f})" for cohort, count in outside)
    return f"{short}; outside: {'; '.join(named)}." if outside else f"{short}."


def _verdict(total: Count) -> str:
    low, high = total.ratio_interval
    if low > 1:
        return "So the model expects too few, under the visits assumed here."
    if high < 1:
        return "So the model expects too many, under the visits assumed here."
    return "So the number as a whole does not contradict the model, nor does it confirm it closely."


def _ratio(count: Count) -> str:
    low, high = count.ratio_interval
    return f"{count.ratio:.2f} ({low:.2f} to {high:.2f})"


def _figures(count: Count) -> dict[str, Any]:
    ratio = [each if np.isfinite(each) else None for each in (count.ratio, *count.ratio_interval)]
    return {
        **asdict(count),
        "ratio": dict(zip(("value", "low", "high"), ratio, strict=True)),
        "share": dict(zip(("value", "low", "high"), (count.share, *count.share_interval), strict=True)),
    }
