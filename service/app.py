"""Put the service together: model, database, routes, pages, errors."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from model.saved import artifact
from service.api import errors, models, monitoring, patients
from service.api.dependencies import Service
from service.api.outgoing import ProblemOut
from service.api.shell import Shell
from service.planning import read_planning
from service.store.database import Database
from service.ui import routes as pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from model.saved.artifact import LoadedModel
    from service.settings import Settings

DESCRIPTION = (
    "Risks and follow-up intervals of patients under surveillance. Decision support, not a medical device. "
    "Dates are calendar dates, months are 30.4375 days, probabilities are from 0 to 1."
)


class _App(FastAPI):
    """FastAPI, whose OpenAPI document also has what no route returns: the problem document of every refusal."""

    def openapi(self) -> dict[str, Any]:
        """Describe the service."""
        document = super().openapi()
        schema = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= {**schema.pop("$defs"), ProblemOut.__name__: schema}
        return document


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(tz=UTC)


def served_model(folder: Path) -> LoadedModel:
    """Load the model of a folder, or the newest one below it; raises ArtifactError."""
    return artifact.load(folder if (folder / artifact.MANIFEST).is_file() else artifact.newest(folder))


def create_app(settings: Settings, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Load the model and open the database; raises ArtifactError, BadInputError (policies) or SQLAlchemy's errors."""
    model = served_model(settings.artifacts)
    planning = read_planning(model.predictor.study, settings.policies)
    database = Database(settings.database)
    database.create_tables()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        database.close()

    app = _App(
        title="Recurrence risk",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere.
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.service = Service(model, planning, database, clock)
    app.include_router(patients.router)
    app.include_router(models.router)
    app.include_router(monitoring.router)
    app.include_router(pages.router)
    answer_error = errors.handler(present=pages.error_page)
    for kind in errors.FORESEEN:
        app.add_exception_handler(kind, answer_error)
    app.add_middleware(Shell, answer_fault=answer_error)
    return app
