"""The comparison as plain values: the answer first, then every cohort, then everything assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model.literature.comparison import AS_ASSUMED, SETTINGS, compare, pooled, without_each
from model.literature.expected import answered_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.literature.comparison import Count, Row, Setting
    from model.literature.published import Literature, Published
    from model.predictor import Predictor
    from model.study.definition import Study

# Drawn per published cohort: enough for a pooled number that hangs on the draw far less than its interval is wide.
PATIENTS = 400


def against(
    predictor: Predictor,
    literature: Literature,
    *,
    seed: int,
    jobs: int = 1,
    patients: int = PATIENTS,
    settings: Sequence[Setting] = SETTINGS,
) -> dict[str, Any]:
    """Hold a model against published cohorts; `literature` is one that `read_literature` checked for its study.

    Returns
    -------
    `literature` of audit.json: `short` (the answer), `reservations`, `cohorts[]`, `pooled`, `left_out_one` {low, high}
    of observed/expected, `variants[]` (all pooled under other assumptions), `assumed` of every cohort, `left_out[]`,
    `patients` drawn per cohort, `seed`, `sha256` of the file. Null where a ratio does not exist.
    """
    rows, *others = compare(predictor, literature, (AS_ASSUMED, *settings), patients=patients, seed=seed, jobs=jobs)
    counts = [row.count for row in rows]
    ratios = [each.ratio for each in without_each(counts) if each.expected > 0]
    without = {"low": min(ratios), "high": max(ratios)} if len(ratios) > 1 else None
    labels = {event.name: event.label or event.name for event in predictor.study.event}
    return {
        "short": in_short(literature.cohort, counts),
        "reservations": list(literature.reservations),
        "cohorts": [_cohort(cohort, row, labels) for cohort, row in zip(literature.cohort, rows, strict=True)],
        "pooled": _figures(pooled(counts)),
        "left_out_one": without,
        "variants": [
            {"assumed": setting.name, **_figures(pooled([row.count for row in found]))}
            for setting, found in zip((AS_ASSUMED, *settings), [rows, *others], strict=True)
        ],
        "assumed": _assumed(predictor.study, literature),
        "left_out": [each.model_dump() for each in literature.left_out],
        "horizon": predictor.grid.horizon_month,
        "answered_until": answered_until(predictor),
        "patients": patients,
        "seed": seed,
        "sha256": literature.sha256,
    }


def in_short(cohorts: Sequence[Published], counts: Sequence[Count]) -> str:
    """How it comes out, computed from the figures: nobody wrote it."""
    total = pooled(counts)
    outside = [(cohort, count) for cohort, count in zip(cohorts, counts, strict=True) if not count.agrees]
    papers = len({cohort.source for cohort in cohorts})
    short = (
        f"{_number(len(counts), 'cohort')} from {_number(papers, 'publication')}, {total.n} patients: {total.observed} "
        f"recurrences published, {total.expected:.1f} expected to be found, observed/expected {_ratio(total)}. "
        f"{_verdict(total)} The expected share lies within the exact interval of the published one in "
        f"{len(counts) - len(outside)} of {_number(len(counts), 'cohort')}"
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


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + "s" * (count != 1)


def _ratio(count: Count) -> str:
    low, high = count.ratio_interval
    return (
        f"{count.ratio:.2f} ({low:.2f} to {high:.2f})" if count.expected > 0 else "unknown, since nothing is expected"
    )


def _cohort(cohort: Published, row: Row, labels: dict[str, str]) -> dict[str, Any]:
    return {
        **cohort.model_dump(mode="json", exclude={"n", "recurrences", "row", "share", "size", "visits"}),
        "counted": [labels[name] for name in cohort.counts],
        **_figures(row.count),
        "expected_by_cause": row.expected_by_cause,
        "covered": row.covered,
    }


def _figures(count: Count) -> dict[str, Any]:
    ratio = dict(zip(("value", "low", "high"), (count.ratio, *count.ratio_interval), strict=True))
    return {
        "n": count.n,
        "observed": count.observed,
        "expected": count.expected,
        "ratio": ratio if np.isfinite(count.ratio) else None,
        "share": dict(zip(("value", "low", "high"), (count.share, *count.share_interval), strict=True)),
        "expected_share": count.expected / count.n,
        "agrees": count.agrees,
    }


def _assumed(study: Study, literature: Literature) -> list[str]:
    """What was assumed of every cohort, in sentences."""
    size, visits = literature.size, literature.visits
    column = next(each.label or each.name for each in study.baseline if each.name == size.column)
    label = {each.name: each.label or each.name for each in study.test}
    kept = f"Beta({visits.weight * visits.attendance:g}, {visits.weight * (1 - visits.attendance):g})"
    share = f"a share of them drawn from {kept}, mean {visits.attendance:g}" if visits.attendance < 1 else "them all"
    tests = ", ".join(f"{label[test]} {share:.2f}" for test, share in visits.done.items())
    missing = "missing in every patient, and handled as the model handles what is missing"
    placed = f"the published mean or median comes out, around {size.log_mean:g} where neither is published"
    bounds = f"normal with standard deviation {size.log_sd:g} between the published bounds"
    spread = "evenly spread from half to one and a half times the published mean or median"
    plan = f"in months {', '.join(f'{month:g}' for month in visits.planned)}, standard deviation {visits.spread:g}"
    return [
        f"Columns without a published figure are {missing}; columns are independent of each other within a cohort.",
        f"{column}: its logarithm is {bounds}, placed so that {placed} ({size.source}).",
        f"Follow-up: {spread}, the time a file ended for whatever reason; no deaths are taken off in addition.",
        f"Visits planned {plan}; each patient keeps {share}; tests done at a visit: {tests} ({visits.source}).",
        "Nothing is found by symptoms between visits: the study has no figure for it.",
        "Whether cohorts of one country share patients is not known.",
    ]
