"""Changing which model answers: tried first, then written down with its entry in the audit log, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.audit_log import chain
from service.errors import Fault, NotFoundError
from service.models import differences, history
from service.models.errors import RefusedModelError
from service.models.history import ACTIVATE, END_SHADOW, ROLLBACK, SHADOW, Change, History

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from model.study.definition import Study
    from service.models.models import Models


@dataclass(frozen=True)
class Wish:
    """Who wants a change, when and why.

    Attributes
    ----------
    entry : makes the entry of the audit log, from an action and details
    """

    moment: datetime
    caller: str
    reason: str
    entry: Callable[..., chain.Entry]

    def change(self, past: History, action: str, version: str, sha256: str, share: float | None = None) -> Change:
        """Make it the next one after those of the past."""
        return Change(past.sequence + 1, self.moment, action, version, sha256, self.caller, self.reason, share)


def activate(models: Models, version: str, wish: Wish) -> Change:
    """Try a model, and have it answer from now on, in every process.

    Raises NotFoundError, RefusedModelError or ModelChangedError; the former model goes on then.
    """
    return _make_live(models, models.history(), ACTIVATE, version, wish)


def roll_back(models: Models, wish: Wish) -> Change:
    """Have the model answer again that answered before; raises as `activate`."""
    past = models.history()
    if len(past.line) < 2:
        raise RefusedModelError("before", [Fault("history", "no other model answered before this one")])
    return _make_live(models, past, ROLLBACK, past.line[-2].version, wish)


def begin_shadow(models: Models, version: str, share: float, wish: Wish) -> Change:
    """Try a model, and have it answer a share of the requests silently; raises as `activate`."""
    past, live = models.history(), models.live.model
    model = models.tried(version, past)
    if model.sha256 == live.sha256:
        raise RefusedModelError(version, [Fault("history", "it is the model that answers")])
    change = wish.change(past, SHADOW, version, model.sha256, share)
    places = _common(live.predictor.study, model.predictor.study)
    with models.database.writing() as patients:
        write(patients.session, change, wish)
        differences.begin(patients.session, change.sequence, places)
    models.follow()
    return change


def end_shadow(models: Models, version: str, wish: Wish) -> Change:
    """Have no model answer silently; raises NotFoundError if that one does not."""
    past = models.history()
    if past.shadow is None or past.shadow.version != version:
        raise NotFoundError("This model does not answer silently.")
    models.shadow.keep()
    change = wish.change(past, END_SHADOW, version, past.shadow.sha256)
    with models.database.writing() as patients:
        write(patients.session, change, wish)
    models.follow()
    return change


def write(session: Session, change: Change, wish: Wish) -> None:
    """Write a change down with its entry; raises ModelChangedError if another one came first."""
    history.append(session, change)
    details = {"version": change.version, "change": change.sequence, "reason": change.reason}
    chain.append(session, wish.entry(f"model.{change.action}", **details))


def _make_live(models: Models, past: History, action: str, version: str, wish: Wish) -> Change:
    change = wish.change(past, action, version, models.tried(version, past).sha256)
    with models.database.writing() as patients:
        write(patients.session, change, wish)
    models.follow()
    return change


def _common(ours: Study, other: Study) -> list[differences.Place]:
    """Events and horizons that both studies have."""
    return [
        (event, months)
        for event in ours.event_names
        for months in ours.horizon_months
        if event in other.event_names and months in other.horizon_months
    ]
