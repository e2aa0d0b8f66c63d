"""docs/python.md: its code runs, and shows what it prints. Run as a module, this writes the page's outputs anew."""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path

from synthetic_data.__main__ import main as write_synthetic_cohort

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
BLOCK = re.compile(r"(```python\n(.*?)```\n\n```text\n)(.*?)(```)", re.DOTALL)


def run_again(page: str, folder: Path) -> str:
    """The page with the outputs that its code prints, one block after the other, in `folder`."""
    [command] = re.findall(r"```sh\npython -m synthetic_data (.*)\n```", page)
    names: dict[str, object] = {}

    def with_output(block: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block[2], names)
        return block[1] + printed.getvalue() + block[4]

    here = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            write_synthetic_cohort(command.split())
        return BLOCK.sub(with_output, page)
    finally:
        os.chdir(here)


def test_the_page_shows_what_its_code_prints(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("```python") == len(BLOCK.findall(page)) == 4
    assert run_again(page, tmp_path) == page


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        PAGE.write_text(run_again(PAGE.read_text(encoding="utf-8"), Path(scratch)), encoding="utf-8")
