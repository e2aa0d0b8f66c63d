"""The error tree: everything that can be wrong with what a user gave us, said in one line per problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Problem:
    """One fault of an input: where it stands and which rule it breaks. Never holds a patient's value."""

    file: str
    line: int | None
    column: str | None
    rule: str

    def __str__(self) -> str:
        """`file:line: column: rule`, without the parts that do not apply."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        text = ": ".join(part for part in (place, self.column, self.rule) if part)
        # A name may hold a line break or a terminal's control code: one problem stays one harmless line.
        return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


class ModelError(Exception):
    """Base of every error that this package raises on purpose."""


class BadInputError(ModelError):
    """An input breaks its rules; `problems` lists every fault that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class NotSupportedError(ModelError):
    """The question lies beyond what the model learned from, so no number is given."""


class ArtifactError(ModelError):
    """A model folder is missing, incomplete or changed, and is not loaded."""
