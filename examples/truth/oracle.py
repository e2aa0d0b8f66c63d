"""Attainable performance: a learner that saw the onsets of 500,000 patients, beside the model that saw test results.

The oracle is gradient boosting on the very features that the model sees, blanks left blank, one classifier per
landmark, horizon and outcome. Beside both stands the true risk, which also knows what the tables leave blank.
Figures are against what really happened to the fresh patients; the last columns, against their true risk, are the
same shares free of the luck of who had an onset. True risks take no notice of chromogranin: do not read them in a
variant where it matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.truth.attainable import oracle_risks
from examples.truth.cohorts import HORIZONS, LANDMARKS, OUTCOMES, study_of
from examples.truth.judged import trained
from examples.truth.scores import Scores, expected_scaled_brier, score
from examples.truth.tables import header, line, with_interval
from examples.truth.true_risk import true_risk
from model.audit.resampling import patient_weights
from synthetic_data.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.truth.options import Options


def report(options: Options) -> Iterator[str]:
    """One line per landmark, horizon and outcome."""
    judged = trained(study_of(options.variant), options.variant, patients=options.patients)
    oracle = oracle_risks(judged.predictor.study, judged.fresh, options)
    yield from header(
        "from month", "within", "onset", "n", "scaled Brier, model", "oracle", "true risk", "share of oracle's, %",
        "AUC, model", "oracle", "true risk", "model - oracle", "share of oracle's, by true risk, %", "share of true",
    )  # fmt: skip
    for landmark in LANDMARKS:
        who = judged.fresh.followed(landmark)
        weight = patient_weights(len(who), seed=1)
        known = judged.fresh.select(who)
        truth = true_risk(known, VARIANTS[options.variant], landmark_month=landmark, horizon_months=HORIZONS)
        predicted = judged.predicted(who, landmark)
        for index, horizon in enumerate(HORIZONS):
            happened = judged.fresh.happened(who, landmark + horizon)
            risks = (predicted[:, index], oracle[landmark, horizon], truth[:, index])
            for outcome in (len(OUTCOMES) - 1, *range(len(OUTCOMES) - 1)):
                three = [risk[:, outcome] for risk in risks]
                model, attained, true = (score(risk, happened[:, outcome], weight) for risk in three)
                expected = [expected_scaled_brier(risk, three[2]) for risk in three]
                yield line(
                    landmark,
                    horizon,
                    OUTCOMES[outcome],
                    happened[:, outcome].sum(),
                    *_compared(model, attained, true),
                    f"{100 * expected[0] / expected[1]:.1f}",
                    f"{100 * expected[0] / expected[2]:.1f}",
                )


def _compared(model: Scores, oracle: Scores, true: Scores) -> list[str]:
    return [
        with_interval(model.scaled_brier),
        with_interval(oracle.scaled_brier),
        f"{true.scaled_brier[0]:.3f}",
        with_interval(100 * model.scaled_brier / oracle.scaled_brier, digits=1),
        with_interval(model.auc),
        with_interval(oracle.auc),
        f"{true.auc[0]:.3f}",
        with_interval(model.auc - oracle.auc),
    ]
