"""Models side by side as they go over the wire."""

import datetime as dt
from typing import Literal, Self

from model.saved.artifact import LoadedModel
from service.api.wire import Out
from service.models.differences import Sums
from service.models.errors import RefusedModelError
from service.models.history import Change, History
from service.models.registry import Registry, doubts, foreign, forged


class ModelChangeOut(Out):
    """One change of which model answers (start, activate, rollback) or answers silently (shadow, end-shadow)."""

    sequence: int
    moment: dt.datetime
    action: str
    version: str
    sha256: str
    share: float | None
    caller: str
    reason: str

    @classmethod
    def of(cls, change: Change) -> Self:
        """Show a change."""
        return cls(**vars(change))


class ModelVersionOut(Out):
    """A model of the folder.

    `refused`: it is not loaded, and `problems` says why. `doubts` does not keep it from answering. `live_since` is the
    moment from which on it answers.
    """

    version: str
    state: Literal["live", "shadow", "ready", "refused"]
    live_since: dt.datetime | None
    sha256: str | None
    study: str | None
    created: str | None
    synthetic: bool | None
    problems: list[str]
    doubts: list[str]


class DifferenceOut(Out):
    """By how much a silent model's risks differed from those that were given, without sign."""

    event: str
    horizon_months: float
    count: int
    mean: float | None
    greatest: float | None


class ShadowOut(Out):
    """The last silent model: `until` is null while it answers.

    `refused`: it gave no number; `dropped`: it had no time. Differences are those of probabilities.
    """

    version: str
    share: float
    since: dt.datetime
    until: dt.datetime | None
    compared: int
    refused: int
    dropped: int
    differences: list[DifferenceOut]

    @classmethod
    def of(cls, began: Change, ended: Change | None, sums: Sums) -> Self:
        """Show what was found."""
        return cls(
            version=began.version,
            share=began.share or 0.0,
            since=began.moment,
            until=None if ended is None else ended.moment,
            compared=sums.compared,
            refused=sums.refused,
            dropped=sums.dropped,
            differences=[
                DifferenceOut(
                    event=event,
                    horizon_months=months,
                    count=found.n,
                    mean=found.total / found.n if found.n else None,
                    greatest=found.greatest if found.n else None,
                )
                for (event, months), found in sums.by_place.items()
            ],
        )


class ModelsOut(Out):
    """The models that there are, and the last changes, newest first; `problem` if another one than `live` ought to."""

    live: str
    problem: str | None
    models: list[ModelVersionOut]
    shadow: ShadowOut | None
    history: list[ModelChangeOut]


def listed(registry: Registry, past: History, live: LoadedModel) -> list[ModelVersionOut]:
    """Look at every model of the folder anew."""
    return [_version(registry, version, past, live) for version in registry.folders()]


def _version(registry: Registry, version: str, past: History, live: LoadedModel) -> ModelVersionOut:
    model, problems = None, []
    try:
        model = registry.load(version)
    except RefusedModelError as error:
        problems = [fault.rule for fault in error.faults]
    else:
        faults = [*foreign(model, live.predictor.study.name), *forged(model, past)]
        problems = [fault.rule for fault in faults]
    state: Literal["live", "shadow", "ready", "refused"] = "refused" if problems else "ready"
    if version == live.version:
        state = "live"
    elif past.shadow is not None and past.shadow.version == version:
        state = "shadow"
    is_live = past.live is not None and version == live.version == past.live.version
    synthetic = model and model.manifest.get("synthetic")
    return ModelVersionOut(
        version=version,
        state=state,
        live_since=past.live.moment if is_live and past.live else None,
        sha256=model and model.sha256,
        study=model and model.predictor.study.name,
        created=model and str(model.manifest.get("created")),
        synthetic=synthetic if isinstance(synthetic, bool) else None,
        problems=problems,
        doubts=doubts(model) if model else [],
    )
