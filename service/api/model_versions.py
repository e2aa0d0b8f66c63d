"""Models side by side: which there are, which one answers, and which one answers silently. For model admins."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from service.api.asking import Asked, AskedDep
from service.api.dependencies import Service, ServiceDep, require_json_answer
from service.api.incoming import In, Reason
from service.api.outgoing_models import ModelChangeOut, ModelsOut, ShadowOut, listed
from service.api.problems import refusals
from service.api.strict_route import StrictRoute
from service.models import changes, differences
from service.models.changes import Wish
from service.models.history import read_history

router = APIRouter(
    prefix="/v1/models", route_class=StrictRoute, dependencies=[Depends(require_json_answer)], tags=["model"]
)


class ChangeIn(In):
    """Why another model is to answer."""

    reason: Reason


class ShadowIn(In):
    """Why a model is to answer silently, and how many of the requests."""

    reason: Reason
    share: Annotated[float, Field(gt=0, le=1, description="Of the answers with a risk in them.")] = 1.0


@router.get("", responses=refusals())
def read_models(service: ServiceDep) -> ModelsOut:
    """List the models, what is wrong with them, which one answered when, and how a silent one differs."""
    service.models.shadow.keep()
    with service.database.reading() as patients:
        past = read_history(patients.session)
        silent = past.last_shadow
        sums = None if silent is None else differences.read(patients.session, silent[0].sequence)
    return ModelsOut(
        live=service.model.version,
        problem=service.models.problem,
        models=listed(service.models.registry, past, service.model),
        shadow=None if silent is None or sums is None else ShadowOut.of(*silent, sums),
        history=[ModelChangeOut.of(change) for change in past.newest_first()],
    )


@router.post("/rollback", responses=refusals(409, body=True))
def roll_back(body: ChangeIn, service: ServiceDep, asked: AskedDep) -> ModelChangeOut:
    """Have the model answer again that answered before this one."""
    return ModelChangeOut.of(changes.roll_back(service.models, _wish(service, asked, body.reason)))


@router.post("/{version}/activate", responses=refusals(404, 409, body=True))
def activate(version: str, body: ChangeIn, service: ServiceDep, asked: AskedDep) -> ModelChangeOut:
    """Verify a model, try it on its golden cases, and have it answer from now on; what is in flight is finished."""
    return ModelChangeOut.of(changes.activate(service.models, version, _wish(service, asked, body.reason)))


@router.post("/{version}/shadow", responses=refusals(404, 409, body=True))
def begin_shadow(version: str, body: ShadowIn, service: ServiceDep, asked: AskedDep) -> ModelChangeOut:
    """Have a model answer silently as well: only sums of its differences are kept. It ends with the next change."""
    wish = _wish(service, asked, body.reason)
    return ModelChangeOut.of(changes.begin_shadow(service.models, version, body.share, wish))


@router.delete("/{version}/shadow", status_code=204, responses=refusals(404, 409))
def end_shadow(version: str, service: ServiceDep, asked: AskedDep) -> None:
    """Have this model no longer answer silently; what was found stays in the list."""
    changes.end_shadow(service.models, version, _wish(service, asked, ""))


def _wish(service: Service, asked: Asked, reason: str) -> Wish:
    now = service.clock()
    return Wish(now, asked.caller.name, reason, partial(asked.entry, now))
