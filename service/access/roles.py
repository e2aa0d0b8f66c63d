"""The one table of which role may use which route. A route that is not in it is for admins alone, and fails a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from service.caller import Caller

Role = Literal["clinician", "ingest", "auditor", "model-admin", "metrics", "admin"]
ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True)
class Rule:
    """Who may use a route.

    Attributes
    ----------
    roles : any of these; admins may use every route
    public : for whoever asks, with credentials or without
    session : for somebody who logged in to the pages, too: only for routes that change nothing
    """

    roles: frozenset[str] = frozenset()
    public: bool = False
    session: bool = False

    def allows(self, caller: Caller) -> bool:
        """Whether a caller has one of the roles."""
        return "admin" in caller.roles or bool(self.roles & caller.roles)


ADMINS = Rule()
PUBLIC = Rule(public=True)
ANY_ROLE = Rule(frozenset(ROLES))
READ = Rule(frozenset({"clinician"}))
WRITE = Rule(frozenset({"clinician", "ingest"}))
AUDIT = Rule(frozenset({"auditor"}))
WATCH = Rule(frozenset({"clinician", "auditor", "model-admin"}))
MODELS = Rule(frozenset({"model-admin"}))
METRICS = Rule(frozenset({"metrics"}))
PAGES = Rule(frozenset({"clinician"}), session=True)
# The pages link to the model's audit, which holds no personal data.
ANY_ROLE_OR_PAGE = Rule(frozenset(ROLES), session=True)

RULES: dict[tuple[str, str], Rule] = {
    ("POST", "/v1/patients"): WRITE,
    ("GET", "/v1/patients/{patient_id}"): READ,
    ("PATCH", "/v1/patients/{patient_id}"): WRITE,
    ("GET", "/v1/patients/{patient_id}/export"): ADMINS,  # names who read the record
    ("DELETE", "/v1/patients/{patient_id}"): ADMINS,  # erased for good
    ("POST", "/v1/patients/{patient_id}/visits"): WRITE,
    ("GET", "/v1/patients/{patient_id}/visits"): READ,
    ("PATCH", "/v1/patients/{patient_id}/visits/{visit_id}"): WRITE,
    ("DELETE", "/v1/patients/{patient_id}/visits/{visit_id}"): WRITE,
    ("POST", "/v1/patients/{patient_id}/outcome"): WRITE,
    ("PATCH", "/v1/patients/{patient_id}/outcome"): WRITE,
    ("DELETE", "/v1/patients/{patient_id}/outcome"): WRITE,
    ("GET", "/v1/patients/{patient_id}/risk"): READ,
    ("GET", "/v1/patients/{patient_id}/schedule"): READ,
    ("GET", "/v1/recommendations/{recommendation_id}"): READ,
    ("POST", "/v1/recommendations/{recommendation_id}/decision"): READ,
    ("POST", "/v1/recommendations/{recommendation_id}/replay"): READ,
    ("POST", "/v1/schedule"): READ,
    ("GET", "/v1/model"): ANY_ROLE,
    ("GET", "/v1/models"): WATCH,
    ("POST", "/v1/models/{version}/activate"): MODELS,
    ("POST", "/v1/models/rollback"): MODELS,
    ("POST", "/v1/models/{version}/shadow"): MODELS,
    ("DELETE", "/v1/models/{version}/shadow"): MODELS,
    ("GET", "/v1/models/{version}/facts"): ANY_ROLE,
    ("GET", "/v1/models/{version}/calibration"): ANY_ROLE_OR_PAGE,
    ("GET", "/v1/monitoring/calibration"): WATCH,
    ("GET", "/v1/monitoring/drift"): WATCH,
    ("GET", "/v1/monitoring/overdue"): READ,
    ("GET", "/v1/audit"): AUDIT,
    ("GET", "/v1/audit/verify"): AUDIT,
    ("POST", "/v1/api-keys"): ADMINS,
    ("GET", "/v1/api-keys"): ADMINS,
    ("POST", "/v1/api-keys/{key_id}/rotate"): ADMINS,
    ("DELETE", "/v1/api-keys/{key_id}"): ADMINS,
    ("GET", "/ui"): PAGES,
    ("GET", "/ui/patients/{patient_id}"): PAGES,
    ("GET", "/ui/monitoring"): Rule(WATCH.roles, session=True),
    ("GET", "/ui/style.css"): PUBLIC,
    ("GET", "/ui/login"): PUBLIC,
    ("POST", "/ui/login"): PUBLIC,
    ("POST", "/ui/logout"): PUBLIC,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): METRICS,
    ("GET", "/openapi.json"): PUBLIC,
    ("HEAD", "/openapi.json"): PUBLIC,
}

MAY_SEE_PATIENTS = frozenset({"clinician", "admin"})


def rule_of(method: str, template: str | None) -> Rule:
    """Find a route's rule; what is unknown is for admins."""
    return RULES.get((method, template or ""), ADMINS)


def may_see_every_patient(caller: Caller) -> bool:
    """Whether a caller may be shown who any patient is, of whatever centre."""
    return caller.centres is None and bool(MAY_SEE_PATIENTS & caller.roles)
