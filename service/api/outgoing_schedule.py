"""The wire format of schedules: the plan, its figures, and what stands beside it."""

import datetime as dt
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from model.schedule.figures import Figures
from service.api.outgoing_treatment import TreatmentOut
from service.api.wire import ModelRefOut, Out


class WindowOut(Out):
    """When the next visit may be."""

    earliest: dt.date
    latest: dt.date


class NextVisitOut(Out):
    """The next visit."""

    date: dt.date
    window: WindowOut
    tests: list[str]
    interval_months: float


class VisitToComeOut(Out):
    """A visit to come."""

    date: dt.date
    tests: list[str]


class PlannedVisitOut(VisitToComeOut):
    """A visit of the plan; `unseen_risk` is P(a target event is there and unseen) just before it."""

    unseen_risk: float


class FiguresOut(Out):
    """What a plan takes and misses: expected values until something is found, death or the plan's end; study's units.

    Without tests that find the events, what is missed is null and the rest is what the plan takes if nothing is found.
    """

    planned_visits: Annotated[int, Field(description="if nothing is found and the patient lives")]
    visits: float
    cost: float
    burden_days: float
    false_positives: float | None
    onset_probability: float | None
    undetected_months: float | None
    expected_delay_months: Annotated[float | None, Field(description="undetected_months / onset_probability")]
    missed_probability: float | None

    @classmethod
    def of(cls, found: Figures) -> Self:
        """Show the figures of one patient's plan."""
        return cls(
            planned_visits=round(float(found.planned_visits[0])),
            visits=float(found.visits[0]),
            cost=float(found.cost[0]),
            burden_days=float(found.burden_days[0]),
            false_positives=float(found.false_positives[0]),
            onset_probability=float(found.onset_probability[0]),
            undetected_months=float(found.undetected_months[0]),
            expected_delay_months=float(found.delay_months[0]),
            missed_probability=float(found.missed_probability[0]),
        )


class BandsOut(Out):
    """Ends of the 95 % bands of the plan's figures, each figure's own."""

    low: FiguresOut
    high: FiguresOut


class GuidelineOut(Out):
    """What a guideline asks for in this patient from now on; an empty plan: no follow-up is needed, or none is left."""

    id: str
    title: str
    row: str
    stratum: str
    mark: str
    caution: Annotated[str | None, Field(description="must stand beside the row wherever it is shown")]
    source: str
    also: str | None
    assumed_facts: Annotated[list[str], Field(description="missing baselines on which the row hangs")]
    plan: list[VisitToComeOut]
    figures: FiguresOut


class SilentGuidelineOut(Out):
    """A guideline that says nothing about this patient."""

    id: str
    title: str


class FrontierPointOut(Out):
    """Another plan of the same policy's limits: more visits, earlier detection."""

    plan: list[VisitToComeOut]
    figures: FiguresOut


class CostOfStayingOut(Out):
    """What the plan with the tier's tests costs, loses and misses more than the best with all tests."""

    cost: float
    undetected_months: float
    missed_probability: float


class ReferralOut(Out):
    """Why the patient should be seen by a tier that can do more."""

    to_tier: str
    why: list[str]
    unknown: Annotated[list[str], Field(description="reasons that would hold or not, were a missing fact known")]
    tests: Annotated[list[str], Field(description="that a clearly better plan uses and the tier does not have")]
    cost_of_staying: CostOfStayingOut | None


class ScheduleOut(Out):
    """The visits to come, if nothing is found meanwhile; `feasible` says whether the policy's limits can be kept.

    `next` is null where no visit is worth its burden. What stands beside the plan is null in the answer to a visit.
    """

    model: ModelRefOut
    recommendation_id: Annotated[UUID | None, Field(description="null where nothing is kept")]
    as_of: dt.date
    tier: str | None
    policy: str
    feasible: bool
    next: NextVisitOut | None
    plan: list[PlannedVisitOut]
    plan_until: dt.date
    figures: FiguresOut
    bands: BandsOut | None
    guidelines: list[GuidelineOut] | None
    silent_guidelines: list[SilentGuidelineOut] | None
    treatment: Annotated[TreatmentOut | None, Field(description="for comparison; null also without guidelines")]
    frontier: list[FrontierPointOut] | None
    referral: ReferralOut | None
    rationale: list[str]
