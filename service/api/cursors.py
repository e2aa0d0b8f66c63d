"""Lists in pieces: how many at once, and where to go on. A cursor is the identifier of the last row that was given."""

import re
from typing import Annotated

from fastapi import Query

from service.errors import Fault, InvalidError

MOST_AT_ONCE = 100
_DIGITS = re.compile(r"[1-9][0-9]{0,2}")

LimitText = Annotated[str, Query(alias="limit", description=f"1 to {MOST_AT_ONCE}", max_length=10)]


def limit_of(text: str) -> int:
    """Read how many rows are wanted; raises InvalidError."""
    if not _DIGITS.fullmatch(text) or int(text) > MOST_AT_ONCE:
        raise InvalidError([Fault("query.limit", f"must be a whole number from 1 to {MOST_AT_ONCE}")])
    return int(text)
