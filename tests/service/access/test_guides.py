"""docs/access.md and docs/operations.md: their examples work as written, and they leave no role and no setting out."""

import json
import re
from pathlib import Path

from service.access.oidc_file import read_provider
from service.access.roles import ROLES, RULES
from service.settings import OPTIONS

DOCS = Path(__file__).parents[3] / "docs"
ACCESS, OPERATIONS = ((DOCS / name).read_text(encoding="utf-8") for name in ("access.md", "operations.md"))


def test_the_key_of_the_guide_can_be_made(admin):
    (body,) = re.findall(r"-d '\n(\{.*?\})'", ACCESS, re.DOTALL)
    made = admin.post("/v1/api-keys", json=json.loads(body))
    assert made.status_code == 201
    assert made.json()["about"]["roles"] == ["clinician"]


def test_the_provider_of_the_guide_can_be_read(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", ACCESS, re.DOTALL)
    (tmp_path / "oidc.toml").write_text(text)
    assert read_provider(tmp_path / "oidc.toml").centres == {"north-clinic": "north", "all-clinics": "*"}


def test_the_guide_names_every_role_and_every_request_about_keys():
    assert re.findall(r"^\| `([a-z-]+)` \|", ACCESS, re.MULTILINE) == list(ROLES)
    for method, path in RULES:
        assert not path.startswith("/v1/api-keys") or f"`{method} {path}" in ACCESS


def test_every_setting_of_the_service_is_in_the_guide():
    for name in OPTIONS:
        assert f"--{name}" in OPERATIONS


def test_the_log_line_of_the_guide_is_one():
    (line,) = re.findall(r"```json\n(\{\"time\".*?\})\n```", OPERATIONS, re.DOTALL)
    shown = json.loads(line)
    assert shown["logger"] == "service.requests"
    assert ("GET", shown["route"]) in RULES
