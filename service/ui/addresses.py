"""Addresses of the pages that others lead to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from fastapi import Request

HOME = "/ui"
LOGIN = "/ui/login"
_OURS = re.compile(r"/ui(/[A-Za-z0-9/_-]*)?(\?[A-Za-z0-9=&_-]*)?")


def login_address(request: Request) -> str:
    """Where to log in, to come back to what was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"{LOGIN}?next={quote(inside(asked), safe='')}"


def inside(address: str) -> str:
    """Keep to the pages: nobody is sent elsewhere by a link that leads through here."""
    return address if _OURS.fullmatch(address) else HOME
