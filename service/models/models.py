"""Which model answers: made so in the database, noticed by every process at its next request, and loaded beside it."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from model.errors import ArtifactError, BadInputError
from service.audit_log.chain import Entry
from service.errors import Fault, NotFoundError
from service.models import changes, history
from service.models.errors import ModelChangedError, RefusedModelError
from service.models.history import START, Change, History
from service.models.registry import foreign, forged
from service.models.shadow import Shadow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from model.saved.artifact import LoadedModel
    from service.models.registry import Ready, Registry
    from service.store.database import Database

# Models that were loaded lately: going back and forth, and looking at one, need not read them again.
MOST_LOADED = 4
STARTED_BY = "service"
REFUSALS = (RefusedModelError, NotFoundError)

log = logging.getLogger("service")


class Models:
    """The models of a folder, and those of them that answer. Loads the one that is to answer; raises ArtifactError.

    Attributes
    ----------
    live : the model that answers
    problem : why the model that ought to answer does not; None if it does
    shadow : the model that answers silently
    on_change : called after every change, whether another model answers or not
    """

    def __init__(self, registry: Registry, database: Database, now: datetime) -> None:
        self.registry = registry
        self.database = database
        self.shadow = Shadow(database)
        self.problem: str | None = None
        self.on_change: Callable[[], None] = lambda: None
        self._lock = Lock()
        self._loaded: dict[str, Ready] = {}
        past = self.history()
        self.live = self._named(past, now) or self._last_good(past)
        self._known = 0
        self._adopt(self.history())

    def history(self) -> History:
        """Read which model answered when."""
        with self.database.reading() as patients:
            return history.read_history(patients.session)

    def follow(self) -> None:
        """Notice what any process has changed; the model goes on that answers if the new one may not."""
        try:
            with self.database.reading() as patients:
                newest = history.newest(patients.session)
        except SQLAlchemyError:
            return  # Whoever needs the database will hear of it; whoever does not is answered.
        if newest != self._known:
            with self._lock:
                if newest != self._known:
                    self._adopt(self.history())

    def find(self, version: str) -> Ready:
        """Return a model that may answer, loaded lately or now; raises NotFoundError or RefusedModelError."""
        for ready in (self.live, *self._loaded.values()):
            if ready.model.version == version:
                return ready
        return self._ready(version)

    def tried(self, version: str, past: History) -> LoadedModel:
        """Return a model that may answer in place of the live one, read from the disk now; raises as `find`."""
        model = self._ready(version).model
        if faults := [*foreign(model, self.live.model.predictor.study.name), *forged(model, past)]:
            raise RefusedModelError(version, faults)
        return model

    def _adopt(self, past: History) -> None:
        """Answer by the model that is live, if it may answer, and have the silent one answer silently."""
        change = past.live
        if change is not None and change.sha256 != self.live.model.sha256:
            try:
                self.live = self._very(change)
            except REFUSALS as error:
                self._complain(change, error)
            else:
                self.problem = None
        else:
            self.problem = None
        try:
            silent = past.shadow and self._very(past.shadow)
        except REFUSALS as error:
            silent = None
            log.error("shadow: %s", error)  # noqa: TRY400
        self.shadow.use(past.shadow, silent.model if silent else None)
        self.on_change()
        self._known = past.sequence

    def _named(self, past: History, now: datetime) -> Ready | None:
        """Make the model live whose folder is named, or the newest one if none was live; None where neither is so."""
        version = self.registry.only or (None if past.live else self.registry.newest())
        if version is None or (past.live is not None and past.live.version == version):
            return None
        reason = "its folder was named at the start" if past.live else "the first start"
        try:
            ready = self._ready(version)
            self._require_ours(ready.model, past)
        except RefusedModelError as error:
            _raise_policies(error)
            folder = self.registry.folders()[version]
            raise ArtifactError("\n".join(f"{folder}: {fault.rule}" for fault in error.faults)) from error
        wish = changes.Wish(
            now, STARTED_BY, reason, lambda action, **details: Entry(now, STARTED_BY, action, details=details)
        )
        try:
            with self.database.writing() as patients:
                changes.write(patients.session, wish.change(past, START, version, ready.model.sha256), wish)
        except ModelChangedError:
            pass  # Another process started at the same moment, and has written it down.
        return ready

    def _require_ours(self, model: LoadedModel, past: History) -> None:
        """Refuse to start by a model for other patients than ours, or by other files than its name had before."""
        with self.database.reading() as patients:
            studies = patients.studies()
        others = [] if model.predictor.study.name in studies else studies
        if faults := [*(fault for study in others for fault in foreign(model, study)), *forged(model, past)]:
            raise RefusedModelError(model.version, faults)

    def _last_good(self, past: History) -> Ready:
        """Load the live model, or the last one before it that may answer."""
        refused = []
        for change in reversed(past.line):
            try:
                return self._very(change)
            except REFUSALS as error:
                _raise_policies(error)
                refused.append(f"{self.registry.folder}: {_ought(change, error)}")
        raise ArtifactError("\n".join([*refused, "name the folder of the model that is to answer: --artifacts DIR"]))

    def _very(self, change: Change) -> Ready:
        """Return the very model of a change, loaded lately or now; raises NotFoundError or RefusedModelError."""
        ready = self._loaded.get(change.sha256) or self._ready(change.version)
        if ready.model.sha256 != change.sha256:
            raise RefusedModelError(change.version, [Fault("files", "they are not those that were made live")])
        return ready

    def _complain(self, change: Change, error: Exception) -> None:
        self.problem = _ought(change, error)
        log.error("the former model goes on: %s", self.problem)

    def _ready(self, version: str) -> Ready:
        """Read a model from the disk and try it, unless these very files were tried before."""
        model = self.registry.load(version)
        ready = self._loaded.get(model.sha256) or self.registry.try_out(model)
        others = [(sha256, kept) for sha256, kept in self._loaded.items() if sha256 != model.sha256]
        self._loaded = dict([*others[1 - MOST_LOADED :], (model.sha256, ready)])
        return ready


def answering(registry: Registry, database: Database) -> Ready:
    """Load the model that is to answer, for those who change nothing; raises as `Models.find`, or ArtifactError."""
    with database.reading() as patients:
        live = history.read_history(patients.session).live
    return registry.try_out(registry.load(registry.only or (live.version if live else registry.newest())))


def _raise_policies(error: Exception) -> None:
    """Let policies that are no good stop the start in their own words: no other model would help."""
    if isinstance(error.__cause__, BadInputError):
        raise error.__cause__


def _ought(change: Change, error: Exception) -> str:
    faults = error.faults if isinstance(error, RefusedModelError) else ()
    rules = "; ".join(fault.rule for fault in faults) or "there is no such model here"
    return f"{change.version} ought to answer, and may not: {rules}"
