"""Bytes to a JSON object, by the letter: what two readers could read differently is refused, not guessed."""

from __future__ import annotations

import json
import re
from email.message import Message
from typing import Any

MOST_BYTES = 1_000_000
MOST_LEVELS = 32
MOST_DIGITS = 100
MOST_TYPE_LETTERS = 200


class RequestRefusedError(Exception):
    """A request that is refused before anything looks at its values: `status` and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


def require_json(content_type: str | None) -> None:
    """Refuse a body that does not say it is JSON in UTF-8 (415)."""
    # Parameters made for it take Python the square of their length: seconds, for 60 kB.
    said = content_type if content_type and len(content_type) <= MOST_TYPE_LETTERS else ""
    message = Message()
    message["content-type"] = said
    charset = message.get_param("charset", "utf-8")
    if message.get_content_type() != "application/json" or str(charset).lower() != "utf-8":
        raise RequestRefusedError(415, "The body must be application/json in UTF-8.")


def parse_object(body: bytes) -> dict[str, Any]:
    """Read one JSON object (400 if it is none).

    NaN, Infinity and numbers beyond a float come back as non-finite floats: the schema refuses them with their path.
    """
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise RequestRefusedError(400, "The body must not start with a byte order mark.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise RequestRefusedError(400, "The body is not UTF-8.") from None
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise RequestRefusedError(400, f"The body is not JSON: see character {error.pos}.") from None
    except RecursionError:
        raise RequestRefusedError(400, f"The body is nested deeper than {MOST_LEVELS} levels.") from None
    if not isinstance(document, dict):
        raise RequestRefusedError(400, "The body must be a JSON object.")
    _require_shallow(document)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise RequestRefusedError(400, "An object of the body has the same key twice.")
    return document


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise RequestRefusedError(400, f"A whole number of the body has more than {MOST_DIGITS} digits.")
    return int(digits)


def _require_shallow(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(MOST_LEVELS):
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return
    if any(isinstance(item, dict | list) for item in level):
        raise RequestRefusedError(400, f"The body is nested deeper than {MOST_LEVELS} levels.")


def accepted_type(accept: str | None, offered: tuple[str, ...]) -> str:
    """Choose what to answer with, by the Accept header; the first offered wins a tie (406 if none will do)."""
    ranges = [_media_range(part) for part in (accept or "*/*").split(",")]

    def weight(media: str) -> float:
        # The most specific range that fits decides: "text/html;q=0" refuses HTML whatever "*/*" allows.
        fitting = [(pattern, q) for pattern, q in ranges if pattern in (media, f"{media.partition('/')[0]}/*", "*/*")]
        return max(fitting, key=lambda found: found[0].count("*") * -1)[1] if fitting else 0.0

    best = max(offered, key=weight)
    if weight(best) <= 0:
        raise RequestRefusedError(406, f"This can be answered as {' or '.join(offered)}.")
    return best


_QUALITY = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")


def _media_range(part: str) -> tuple[str, float]:
    """Return (pattern, weight) of one entry of an Accept header; an unreadable weight counts as 1."""
    pattern, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((found[1] for piece in parameters if (found := _QUALITY.fullmatch(piece))), "1")
    return pattern, float(quality)
