"""How much it matters which event an outcome names when a visit finds several: `python -m examples.named`.

Where a study file gives no `severity`, the audit takes each of them to be as likely to be named (`model.audit.named`).
This prints, of fresh synthetic patients, how many events of each cause are expected so, and where the worst is named,
as the synthetic clinics do and the default study says: distant before nodal before local.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import numpy as np

from examples.truth.cohorts import study_of
from examples.truth.judged import trained
from examples.truth.tables import header, line
from model.audit.detection import detection_steps, onset_seen_from_each_landmark
from model.audit.named import by_visit, chance_named
from model.command_line import at_least

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from examples.truth.cohorts import Known
    from examples.truth.judged import Judged
    from model.predictor import Predictor
    from model.types import FloatArray

AT_ONCE = 500


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.named", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--patients", type=at_least(200), default=4000, help="to learn from, and as many fresh ones (default 4000)"
    )
    for text in table(trained(study_of("default"), "default", patients=parser.parse_args(arguments).patients)):
        print(text, flush=True)
    return 0


def table(both: Judged) -> Iterator[str]:
    """One line per cause, in the study's order, and their sum."""
    found = chances(both.predictor, both.fresh)
    targets = both.predictor.study.targets
    severity = np.array([both.predictor.study.severity[number - 1] for number in targets])
    alike, worst = (chance_named(found, each).sum(axis=0) for each in (0 * severity, severity))
    cause = both.fresh.cohort.outcomes.cause
    yield from header("cause", "named", "expected to be found", "each as likely to be named", "the worst named", "%")
    for place, number in enumerate(targets):
        yield line(
            both.predictor.study.event_names[number - 1],
            int((cause == number).sum()),
            *(f"{each[place]:.1f}" for each in (found.sum(axis=0), alike, worst)),
            f"{100 * (worst[place] / alike[place] - 1):+.1f}",
        )
    named = int(np.isin(cause, targets).sum())
    yield line("all", named, *(f"{each.sum():.1f}" for each in (found, alike, worst)), "")


def chances(predictor: Predictor, known: Known) -> FloatArray:
    """P(a visit's tests find each cause | nothing found before), (n_visits, n_targets), where they may find any."""
    parts = []
    for start in range(0, len(known.histories), AT_ONCE):
        who = np.arange(start, min(start + AT_ONCE, len(known.histories)))
        here, exit_month = known.histories.select(who), known.cohort.outcomes.exit_month[who]
        onset = onset_seen_from_each_landmark(predictor, here, exit_month)
        steps = detection_steps(predictor.study, here, exit_month, onset)
        parts.append(by_visit([steps[number] for number in predictor.study.targets])[0])
    return np.concatenate(parts)


if __name__ == "__main__":
    sys.exit(main())
