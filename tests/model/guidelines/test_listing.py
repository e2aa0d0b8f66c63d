"""The list of rows: nothing unverified is shown without its mark, and the document shows what the command prints."""

from pathlib import Path

from model.guidelines.__main__ import listed, main
from model.guidelines.entries import MARKS
from model.guidelines.file import DEFAULT_GUIDELINES, read_guidelines
from model.study.file import DEFAULT_STUDY, read_study

DOC = Path(__file__).parents[3] / "docs" / "guidelines.md"


def test_every_row_and_rule_is_listed_with_mark_and_assumptions():
    guidelines = read_guidelines(DEFAULT_GUIDELINES, read_study(DEFAULT_STUDY))
    cells = [[cell.strip() for cell in line.split("|")] for line in listed(guidelines)]
    by_id = {line[2]: line for line in cells if len(line) == 9}
    for guideline in guidelines.guideline:
        for row in guideline.row:
            assert by_id[row.id][5] == row.mark
            assert all(each in by_id[row.id][6] for each in row.assumed)
    assert sum(len(line) == 8 and line[4] in MARKS for line in cells) == sum(len(b.rule) for b in guidelines.treatment)


def test_the_documents_tables_are_what_the_command_prints(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out in DOC.read_text(encoding="utf-8")
