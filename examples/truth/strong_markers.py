"""What markers add where they matter: gain in AUC of the model and of the oracle over the same without markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.truth.attainable import oracle_risks
from examples.truth.cohorts import ANY, HORIZONS, LANDMARKS, study_of
from examples.truth.judged import trained
from examples.truth.scores import score
from examples.truth.tables import header, line, with_interval
from model.audit.resampling import patient_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.truth.options import Options


def report(options: Options) -> Iterator[str]:
    """One line per landmark and horizon; nothing has been measured yet at landmark 0."""
    with_markers = study_of(options.variant)
    studies = {"with": with_markers, "without": with_markers.model_copy(update={"marker": ()})}
    judged = {name: trained(study, options.variant, patients=options.patients) for name, study in studies.items()}
    oracle = {
        name: oracle_risks(study, judged[name].fresh, options, outcomes=(ANY,), label=f"any-{name}-markers")
        for name, study in studies.items()
    }
    yield from header(
        "from month", "within", "AUC, model, without markers", "with", "gain",
        "oracle, without", "with", "gain", "share of oracle's gain, %",
    )  # fmt: skip
    fresh = judged["with"].fresh
    for landmark in LANDMARKS[1:]:
        who = fresh.followed(landmark)
        weight = patient_weights(len(who), seed=1)
        models = [judged[name].predicted(who, landmark)[:, :, ANY] for name in ("without", "with")]
        for index, horizon in enumerate(HORIZONS):
            happened = fresh.happened(who, landmark + horizon)[:, ANY]
            risks = [risk[:, index] for risk in models]
            risks += [oracle[name][landmark, horizon][:, 0] for name in ("without", "with")]
            bare, model, oracle_bare, attained = (score(risk, happened, weight).auc for risk in risks)
            yield line(
                landmark,
                horizon,
                f"{bare[0]:.3f}",
                f"{model[0]:.3f}",
                with_interval(model - bare),
                f"{oracle_bare[0]:.3f}",
                f"{attained[0]:.3f}",
                with_interval(attained - oracle_bare),
                with_interval(100 * (model - bare) / (attained - oracle_bare), digits=0),
            )
