"""A model that answers silently: some requests are put to it too, afterwards, and only sums of differences are kept."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from model.errors import ModelError
from model.finite import finite_forecast
from service.models import differences
from service.models.differences import Place, Sums
from service.record import histories
from service.rules import fits

if TYPE_CHECKING:
    from datetime import date

    from model.saved.artifact import LoadedModel
    from service.models.history import Change
    from service.record import Patient
    from service.store.database import Database

MOST_WAITING = 100
EVERY_SECONDS = 2.0
# Of one core, at most: answers go first.
MOST_OF_THE_TIME = 0.2

log = logging.getLogger("service")


@dataclass(frozen=True)
class Answered:
    """A question that was answered: the risks that were given, by event and horizon in months."""

    patient: Patient
    as_of: date
    risk: dict[Place, float]


@dataclass
class Running:
    """A silent model at work; `sequence` is that of the change that made it one."""

    sequence: int
    model: LoadedModel
    share: float
    taken: float = 0.0
    sums: Sums = field(default_factory=Sums)


class Shadow:
    """The silent model of this process, if there is one, and the thread in which it answers.

    Nobody waits for it: what comes while MOST_WAITING questions wait is dropped, and counted.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: Running | None = None
        self._waiting: Queue[tuple[Running, Answered]] = Queue(MOST_WAITING)
        self._lock = Lock()
        self._ended = Event()
        self._thread = Thread(target=self._run, name="shadow", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop; what waits is not answered any more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self.keep()

    @property
    def is_idle(self) -> bool:
        """Whether no model answers silently."""
        return self._running is None

    def use(self, change: Change | None, model: LoadedModel | None) -> None:
        """Have the model of a change answer silently from now on, None = none."""
        if change is not None and self._running is not None and change.sequence == self._running.sequence:
            return
        self.keep()
        with self._lock:
            self._running = None
            if change is not None and model is not None:
                self._running = Running(change.sequence, model, change.share or 0.0)

    def offer(self, answered: Answered) -> None:
        """Take its share of the questions that were answered."""
        with self._lock:
            running = self._running
            if running is None:
                return
            running.taken += running.share
            if running.taken < 1.0:
                return
            running.taken -= 1.0
            try:
                self._waiting.put_nowait((running, answered))
            except Full:
                running.sums.dropped += 1

    def _run(self) -> None:
        kept = monotonic()
        while not self._ended.is_set():
            try:
                running, answered = self._waiting.get(timeout=EVERY_SECONDS / 4)
            except Empty:
                pass
            else:
                if running is self._running:
                    began = monotonic()
                    found = _differences(running.model, answered)
                    with self._lock:
                        running.sums.add(found)
                    self._ended.wait((monotonic() - began) * (1 / MOST_OF_THE_TIME - 1))
            if monotonic() - kept > EVERY_SECONDS:
                self.keep()
                kept = monotonic()

    def keep(self) -> None:
        """Write the sums down; while the database is away they are kept here."""
        with self._lock:
            if self._running is None or not self._running.sums:
                return
            running, sums = self._running, self._running.sums
            running.sums = Sums()
        try:
            with self._database.writing() as patients:
                differences.keep(patients.session, running.sequence, sums)
        except SQLAlchemyError as error:
            log.warning("shadow: differences could not be written down: %s", type(error).__name__)
            with self._lock:
                running.sums += sums


def _differences(model: LoadedModel, answered: Answered) -> dict[Place, float] | None:
    """By how much the model's risks differ from those that were given; None where it gives none."""
    study, patient = model.predictor.study, answered.patient
    if not fits(study, patient):
        return None
    try:
        moment = np.array([patient.month_of(answered.as_of)])
        with np.errstate(all="ignore"):
            forecast = finite_forecast(model.predictor, histories(study, patient), moment)
    except ModelError:
        return None
    except Exception as error:  # noqa: BLE001
        # Without its words, which may hold a patient's values.
        log.error("shadow: unforeseen %s", type(error).__name__)  # noqa: TRY400
        return None
    found: dict[Place, float] = defaultdict(float)
    for index, event in enumerate(study.event_names):
        for months in study.horizon_months:
            if (event, months) in answered.risk:
                ours = float(forecast.at(months)[0, index])
                found[event, months] = abs(ours - answered.risk[event, months])
    return dict(found)
