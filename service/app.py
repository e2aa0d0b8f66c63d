"""Put the service together: model, database, routes, pages, errors."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from service.access.access import Access
from service.access.gate import Gate
from service.access.oidc import tokens_of
from service.access.rate import RateLimit
from service.access.roles import rule_of
from service.access.session import Sessions
from service.api import (
    api_keys,
    audit,
    errors,
    export,
    model_versions,
    models,
    monitoring,
    outcomes,
    patients,
    questions,
    recommendations,
    visits,
)
from service.api.dependencies import Service
from service.api.outgoing import ProblemOut
from service.api.problems import REFUSED_ACCESS
from service.api.shell import ALWAYS, LOOPBACK, OVER_TLS, Manners, Shell
from service.api.templates import Templates
from service.audit_log.chain import Entry
from service.audit_log.reads import Reads
from service.models.models import Models
from service.models.registry import Registry
from service.monitoring.kept import Kept
from service.store.database import Database
from service.ui import login
from service.ui import routes as pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi.telemetry import TelemetryConfig

    from service.settings import Settings
    from service.tracing import Collector

ROUTERS = (
    patients.router,
    visits.router,
    export.router,
    outcomes.router,
    questions.router,
    recommendations.router,
    audit.router,
    models.router,
    model_versions.router,
    monitoring.router,
    api_keys.router,
    login.router,
    pages.router,
)
DESCRIPTION = (
    "Risks and follow-up intervals of patients under surveillance. Decision support, not a medical device. "
    "Dates are calendar dates, months are 30.4375 days, probabilities are from 0 to 1."
)
# Of FastAPI's own, which environment variables alone would switch on: it sends paths, queries and the words of errors.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class _App(FastAPI):
    """FastAPI, whose OpenAPI document also has what no route says: the problem document of refusals, and who may."""

    def openapi(self) -> dict[str, Any]:
        """Describe the service."""
        document = super().openapi()
        schema = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= {**schema.pop("$defs"), ProblemOut.__name__: schema}
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        for path, item in document["paths"].items():
            for method, operation in item.items():
                rule = rule_of(method.upper(), path)
                if not rule.public:
                    operation["security"] = [{"bearer": []}]
                    operation["x-roles"] = sorted(rule.roles | {"admin"})
                    operation["responses"] |= {str(status): text for status, text in REFUSED_ACCESS.items()}
        return document


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(tz=UTC)


def _access(settings: Settings, database: Database, clock: Callable[[], datetime]) -> Access:
    access = Access(
        database,
        clock,
        tokens=None if settings.oidc is None else tokens_of(settings.oidc),
        secure=settings.tls_cert is not None or settings.behind_proxy,
    )
    return access if settings.session_secret is None else replace(access, sessions=Sessions(settings.session_secret))


def _refused_logins(access: Access, *, at_the_end: bool) -> list[Entry]:
    """Write down how many logins were refused lately."""
    due = access.refusals.due(at_the_end=at_the_end).items()
    return [Entry(access.clock(), name, "session.refuse", details={"attempts": count}) for name, count in due]


def create_app(settings: Settings, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Load the model and open the database; raises ArtifactError, BadInputError (policies) or SQLAlchemy's errors."""
    registry = Registry(settings.artifacts, settings.policies, settings.model_key)
    registry.newest()  # Without any model no database is made.
    database = Database(settings.database)
    try:
        database.create_tables()
        live = Models(registry, database, clock())
    except BaseException:
        database.close()
        raise
    access = _access(settings, database, clock)
    reads = Reads(database, partial(_refused_logins, access))
    collector = _collector(settings.traces_endpoint)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        reads.start()
        live.shadow.start()
        yield
        live.shadow.close()
        reads.close()
        database.close()
        if collector is not None:
            collector.close()

    app = _App(
        title="Recurrence risk",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere.
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry=NO_TELEMETRY,
    )
    app.state.service = Service(live.live.model, live.live.planning, database, clock, access, reads, live)

    def use_live() -> None:
        """Answer by the live model from the next request on; those in flight finish with theirs."""
        service: Service = app.state.service
        service.metrics.model_problem.set(live.problem is not None)
        if service.model.sha256 != live.live.model.sha256:
            model, planning = live.live.model, live.live.planning
            app.state.service = replace(service, model=model, planning=planning, kept=Kept())

    live.on_change = use_live
    use_live()
    for router in ROUTERS:
        app.include_router(router)
    app.openapi()  # FastAPI lays routes out when first asked about them; at once, or first requests would race to do it
    answer_error = errors.handler(present=pages.error_page)
    for kind in errors.FORESEEN:
        app.add_exception_handler(kind, answer_error)
    # What is added last stands outermost.
    app.add_middleware(Gate, access=access, rate=RateLimit(settings.requests_per_second))
    app.add_middleware(
        Shell,
        answer_fault=answer_error,
        templates=Templates([*app.router.routes, *(route for router in ROUTERS for route in router.routes)]),
        metrics=app.state.service.metrics,
        manners=Manners(
            hosts=(*LOOPBACK, *settings.hostnames),
            most_in_flight=settings.most_in_flight,
            deadline_seconds=settings.deadline_seconds,
            headers=ALWAYS | OVER_TLS if settings.tls_cert else ALWAYS,
        ),
    )
    if collector is not None:
        collector.watch(app)
    return app


def _collector(endpoint: str | None) -> Collector | None:
    if endpoint is None:
        return None
    from service.tracing import Collector  # noqa: PLC0415 - nobody else need load what it takes

    return Collector(endpoint)
