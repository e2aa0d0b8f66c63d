"""What every command does alike: exit codes, one line per problem, no stack trace for a user's mistake."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, TypeVar

from tqdm import tqdm

from model.errors import ArtifactError, BadInputError, NotSupportedError
from model.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
MOST_PROBLEMS = 50
MOST_STEPS = 10
DONE, BAD_INPUT = 0, 2


def run(command: Callable[[], None]) -> int:
    """Run a command and return its exit code: 0 done, 2 bad input. Any other error is ours and keeps its trace."""
    keep_freed_memory()
    try:
        command()
    except BadInputError as error:
        for problem in error.problems[:MOST_PROBLEMS]:
            say(str(problem))
        if len(error.problems) > MOST_PROBLEMS:
            say(f"... and {len(error.problems) - MOST_PROBLEMS} more problems ({len(error.problems)} in all)")
        return BAD_INPUT
    except (ArtifactError, NotSupportedError, FileExistsError) as error:
        say(str(error))
        return BAD_INPUT
    except (PermissionError, NotADirectoryError, IsADirectoryError) as error:
        say(f"{error.filename}: {error.strerror}")
        return BAD_INPUT
    return DONE


def at_least(least: int) -> Callable[[str], int]:
    """Return argparse's type of a whole number that is `least` or more."""

    def whole_number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number, {least} or more")
        return int(text)

    return whole_number


def result(line: str) -> None:
    """Print what a command is run for."""
    print(line, flush=True)


def say(line: str) -> None:
    """Tell the user something beside the result: on stderr, so that the result can be piped."""
    print(line, file=sys.stderr, flush=True)


def shown(results: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Hand on results as they come and tell how many there are: a bar on a terminal, elsewhere MOST_STEPS lines."""
    if sys.stderr.isatty():
        yield from tqdm(results, desc=f"  {what}", total=total, leave=False)
        return
    for done, each in enumerate(results, 1):
        if done * MOST_STEPS // total > (done - 1) * MOST_STEPS // total:
            say(f"  {what}: {done} of {total}")
        yield each
