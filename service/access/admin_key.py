"""An admin's key for the operator: the first one, without which nobody could make the others, or one for a lost one."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from service.access.binding import SettingsError
from service.audit_log.chain import Entry, append

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.access.access import Access


def make_admin_key(access: Access, file: Path | None, say: Callable[[str], None], *, though_one_works: bool) -> None:
    """Make an admin's key, by default where none works, and write it into a new file of mode 0600, or say it, once.

    Raises SettingsError where the file is there already or cannot be written; no key is made then.
    """
    with ExitStack() as undo:
        with access.changing_keys() as keys:
            now = access.clock()
            if keys.an_admin_works(now) and not though_one_works:
                return
            secret = keys.add_admin(now)
            details = {"key_id": secret.key_id, "roles": "admin"}
            append(keys.session, Entry(now, "service", "key.create", details=details))
            if file is not None:
                _write(file, secret.text, undo)
        undo.pop_all()  # Kept now, the key is good, and so is its file.
    say(f"A key for an admin, shown this once: {secret.text}" if file is None else f"A key for an admin is in {file}")


def _write(file: Path, text: str, undo: ExitStack) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        undo.callback(file.unlink)
        with os.fdopen(handle, "w") as opened:
            opened.write(text + "\n")
    except FileExistsError:
        raise SettingsError(f"admin-key-file: {file} exists already: move it away to have a new key written") from None
    except OSError:
        raise SettingsError(f"admin-key-file: {file} cannot be written") from None
