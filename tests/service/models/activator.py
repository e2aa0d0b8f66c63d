"""A process of its own that is killed while it makes a model live: `python -m tests.service.models.activator`."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import event

from model.schedule.policy import POLICIES
from service.audit_log.chain import Entry
from service.models import changes
from service.models.changes import Wish
from service.models.models import Models
from service.models.registry import Registry
from service.settings import database_url
from service.store.database import Database


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Activate a version, and be killed "before" what was written is committed, or "after"."""
    moment, folder, version = sys.argv[1:]
    database, now = Database(database_url(os.environ["URL"])), datetime.now(tz=UTC)
    models = Models(Registry(Path(folder), POLICIES), database, now)
    if moment == "before":
        event.listen(database.engine, "commit", die)
    else:
        models.follow = die  # type: ignore[method-assign]
    entry = lambda action, **details: Entry(now, "activator", action, details=details)  # noqa: E731
    changes.activate(models, version, Wish(now, "activator", "to be killed", entry))


if __name__ == "__main__":
    main()
