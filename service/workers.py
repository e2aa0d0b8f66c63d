"""Several processes that answer on one port, and one that starts them, replaces those that end, and stops them all."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import product
from multiprocessing import connection, get_context, parent_process
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from prometheus_client.multiprocess import mark_process_dead

from model.command_line import say
from service.ending import DONE, FAILED, MOST_SECONDS_TO_ANSWER, REFUSED
from service.listening import address, listen
from service.logs import log_to_stderr
from service.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    import socket
    from collections.abc import MutableSequence, Sequence
    from multiprocessing.context import SpawnProcess

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
LOOK_SECONDS = 0.2
# A process that ends before it has answered is tried again after 1 s, then 2 s, 4 s, ...
MOST_SECONDS_BETWEEN = 30
SECONDS_TO_END = 10
SPAWN = get_context("spawn")  # A forked copy would share connections and locks with its parent.
STOPS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger("service")


def serve_by_workers(settings: Settings, arguments: Sequence[str]) -> int:
    """Answer by `settings.workers` processes until SIGTERM or SIGINT; returns an exit code as `serve` does.

    The first one starts alone and makes what there is once: tables and the admin's key. If it refuses, so does this.
    `arguments` are the command line, which each process reads for itself: a key cannot be handed over.
    """
    try:
        listening = listen(settings)
    except SettingsError as error:
        say(str(error))
        return FAILED
    with listening, ExitStack() as stack:
        if METRICS_FOLDER not in os.environ:
            # Each process counts in files of its own; whichever is asked adds them up.
            os.environ[METRICS_FOLDER] = stack.enter_context(tempfile.TemporaryDirectory(prefix="recurrence-risk-"))
        return _Workers(settings, list(arguments), listening).run()


@dataclass
class _Place:
    """One of the workers' places, and the process that has it.

    Attributes
    ----------
    process : None where there is none just now
    failures : processes in a row that ended before they answered
    due : when the next one starts, in seconds of the monotonic clock
    """

    process: SpawnProcess | None = None
    failures: int = 0
    due: float = 0.0


class _Workers:
    """Keeps a process in each place.

    Attributes
    ----------
    ready : by place, whether its process answers; the process says so itself
    asked : signals that are still to be passed on
    """

    def __init__(self, settings: Settings, arguments: list[str], listening: socket.socket) -> None:
        self.settings = settings
        self.arguments = arguments
        self.listening = listening
        self.secret = settings.session_secret or secrets.token_bytes(32)  # One for all: any of them may be asked.
        self.places = [_Place() for _ in range(settings.workers)]
        self.ready: MutableSequence[int] = SPAWN.RawArray("b", settings.workers)
        self.asked: list[int] = []

    def run(self) -> int:
        """Run until told to stop; returns an exit code."""
        for stop in STOPS:
            signal.signal(stop, lambda number, _: self.asked.append(number))
        first = self._start(0, makes_key=True)
        while not (self.ready[0] or self.asked):
            connection.wait([first.sentinel], LOOK_SECONDS)
            if first.exitcode is not None:
                return max(first.exitcode, FAILED)  # It has said why, unless it was killed.
        log_to_stderr()
        said = False
        while not self.asked:
            for number, place in enumerate(self.places):
                self._keep(number, place)
            if not said and all(self.ready):
                said = True
                log.info("%d workers running on %s", len(self.places), address(self.listening, self.settings))
            connection.wait([place.process.sentinel for place in self.places if place.process], LOOK_SECONDS)
        return self._stop()

    def _start(self, number: int, *, makes_key: bool = False) -> SpawnProcess:
        self.ready[number] = 0
        given = _Given(self.arguments, self.listening, self.secret, self.ready, number, makes_key)
        process = SPAWN.Process(target=_work, args=(given,), name=f"worker-{number}")
        process.start()
        self.places[number].process = process
        return process

    def _keep(self, number: int, place: _Place) -> None:
        """Have a process in a place, now or in a while."""
        process = place.process
        if process is not None and process.exitcode is not None:
            log.error("%s (process %d) ended with %d; another follows", process.name, process.pid, process.exitcode)
            mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
            process = place.process = None
            place.failures = 0 if self.ready[number] else place.failures + 1
            place.due = monotonic() + (min(2 ** (place.failures - 1), MOST_SECONDS_BETWEEN) if place.failures else 0)
        if process is None and monotonic() >= place.due:
            self._start(number)

    def _stop(self) -> int:
        """Pass the signal on, and any that follows, until every process has ended."""
        self.listening.close()  # Once they have closed theirs, nobody may be left waiting on ours.
        processes = [place.process for place in self.places if place.process is not None]
        deadline = monotonic() + self.settings.drain_seconds + MOST_SECONDS_TO_ANSWER + SECONDS_TO_END
        while running := [process for process in processes if process.exitcode is None]:
            passed, self.asked = (self.asked, []) if monotonic() < deadline else ([signal.SIGKILL], [])
            for process, number in product(running, passed):
                assert process.pid is not None
                with suppress(ProcessLookupError):
                    os.kill(process.pid, number)
            connection.wait([process.sentinel for process in running], LOOK_SECONDS)
        # One that was only starting ends by the signal.
        well = {DONE, *(-stop for stop in STOPS)}
        return DONE if well.issuperset(process.exitcode for process in processes) else FAILED


@dataclass(frozen=True)
class _Given:
    """What a process is given by its parent; `secret` signs sessions, `ready` is where it says that it answers."""

    arguments: list[str]
    listening: socket.socket
    secret: bytes
    ready: MutableSequence[int]
    number: int
    makes_key: bool


def _work(given: _Given) -> None:
    """Be one of the processes."""
    os.setpgrp()  # Ctrl-C reaches a whole group: ours hears of it from its parent, once.
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        settings = replace(read_settings(given.arguments, os.environ), session_secret=given.secret)
    except SettingsError as error:  # A file that was good when its parent started is so no longer.
        say(str(error))
        sys.exit(REFUSED)
    from service.serving import serve  # noqa: PLC0415 - what only looks after others need not hold all that they do

    def say_ready() -> None:
        given.ready[given.number] = 1

    sys.exit(serve(settings, listening=given.listening, when_ready=say_ready, makes_key=given.makes_key))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
