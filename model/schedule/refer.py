"""When a patient should be seen by a tier of care that can do more: criteria that hold, and what staying costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from model.guidelines.tiers import ORDER, referral

if TYPE_CHECKING:
    from model.guidelines.entries import Criterion, TierFile
    from model.schedule.answer import Staying
    from model.study.definition import Study
    from model.study.entries import Tier
    from model.types import FloatArray


@dataclass(frozen=True)
class Advice:
    """Referral of one patient.

    Attributes
    ----------
    to_tier : the highest tier that any reason names
    criteria : those of the tiers' file that hold
    open : those that would, were it not for a missing fact
    needs : tests of `to_tier` or below that a clearly better plan uses and the patient's tier does not have
    """

    to_tier: Tier
    criteria: tuple[Criterion, ...]
    open: tuple[Criterion, ...]
    needs: tuple[str, ...]


def advise(
    tiers: TierFile, study: Study, baseline: FloatArray, *, tier: str, staying: Staying | None, tolerable_loss: float
) -> Advice | None:
    """Say whether a patient, (1, n_baseline), at a tier should be referred; None without a reason.

    tolerable_loss : of the plan's objective by staying, up to which other tests are no reason
    """
    found = referral(tiers, study, baseline, tier=cast("Tier", tier))
    met = [criterion for criterion, holds in zip(tiers.referral, found.met[0], strict=True) if holds]
    unsure = [criterion for criterion, holds in zip(tiers.referral, found.open[0], strict=True) if holds]
    needs = staying.needs if staying is not None and staying.objective > tolerable_loss else ()
    wanted = [ORDER.index(criterion.to) for criterion in met]
    if needs:
        having = (each for each in ORDER if all(each in test.tiers for test in study.test if test.name in needs))
        wanted.append(ORDER.index(next(having, ORDER[-1])))
    if not wanted:
        return None
    return Advice(ORDER[max(wanted)], tuple(met), tuple(unsure), needs)
