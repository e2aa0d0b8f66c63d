import re
from pathlib import Path

from examples.pictures import AUDIT, SERVICE

DOCS = Path("docs")
SHOWN = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", (DOCS / "pictures.md").read_text(encoding="utf-8"))


def test_every_picture_of_the_page_is_there_described_and_small():
    assert {f"images/{name}.png" for name, *_ in (*AUDIT, *SERVICE)} <= {file for _, file in SHOWN}
    for described, file in SHOWN:
        assert len(described) > 20
        assert (DOCS / file).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert (DOCS / file).stat().st_size < 300_000
