"""Every role on every route, and the routes are the router's own: a new one cannot be forgotten."""

import re

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from service.access.roles import ROLES, RULES, rule_of
from service.app import ROUTERS

WITHOUT_CREDENTIALS = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("HEAD", "/openapi.json"),
    ("GET", "/ui/login"),
    ("POST", "/ui/login"),
    ("POST", "/ui/logout"),
    ("GET", "/ui/style.css"),
}
NO_PERSONAL_DATA = {"auditor", "model-admin", "metrics"}
NOBODY = "00000000-0000-4000-8000-000000000000"


def operations(app):
    routes = [*app.router.routes, *(route for router in ROUTERS for route in router.routes)]
    return {(method, route.path) for route in routes if isinstance(route, Route) for method in route.methods}


def address(template):
    return re.sub(r"{[a-z_]+}", NOBODY, template)


def test_the_table_has_every_route_and_no_other(app):
    included = [route for route in app.router.routes if not isinstance(route, Route)]
    assert len(included) == len(ROUTERS), "a router was included past ROUTERS"
    assert set(RULES) == operations(app)


def test_what_is_open_to_everybody_is_what_was_meant_to_be(app):
    assert {operation for operation in operations(app) if rule_of(*operation).public} == WITHOUT_CREDENTIALS


def test_no_role_that_may_not_see_patients_reaches_one(app):
    for method, template in operations(app):
        if "{patient_id}" in template or "recommendation" in template or template in ("/ui", "/v1/monitoring/overdue"):
            assert not rule_of(method, template).roles & NO_PERSONAL_DATA, template


def test_pages_only_read_and_a_session_opens_nothing_that_writes(app):
    for method, template in operations(app):
        if template.startswith("/ui") and template not in ("/ui/login", "/ui/logout"):
            assert method == "GET"
        if rule_of(method, template).session:
            assert method == "GET"


def test_a_route_that_is_not_in_the_table_is_for_admins():
    rule = rule_of("GET", "/v1/new")
    assert rule.roles == frozenset()
    assert not rule.public
    assert not rule.session


@pytest.mark.parametrize("role", [None, *ROLES])
def test_every_role_on_every_route_of_the_router(app, caller, role):
    client = caller(role) if role else caller()
    for method, template in sorted(operations(app)):
        rule = rule_of(method, template)
        status = client.request(method, address(template), headers={"accept": "*/*"}).status_code
        if rule.public:
            assert status not in (401, 403), (method, template, status)
        elif role is None:
            assert status == 401, (method, template, status)
        elif role == "admin" or role in rule.roles:
            assert status not in (401, 403, 500), (method, template, status)
        else:
            assert status == 403, (method, template, status)


def test_every_operation_documents_who_may_use_it(server):
    document = httpx.get(f"{server}/openapi.json").json()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            rule = rule_of(method.upper(), path)
            assert ("security" in operation) == ("401" in operation["responses"]) == (not rule.public)
            if not rule.public:
                assert operation["x-roles"] == sorted(rule.roles | {"admin"})


def test_routes_are_told_apart_before_bodies_and_identifiers_are_looked_at(caller, patients):
    # A refusal must not depend on whether what is asked for exists.
    auditor = caller("auditor")
    for path in (*patients.values(), f"/v1/patients/{NOBODY}", "/v1/patients/x"):
        refusals = [auditor.get(path), auditor.post(f"{path}/visits", content=b"nonsense")]
        assert {refusal.status_code for refusal in refusals} == {403}
        assert len({refusal.text for refusal in refusals}) == 1


def test_unknown_paths_and_verbs_say_nothing_to_whoever_has_no_key(caller):
    stranger, clinician = caller(), caller("clinician")
    for method, path, status in (("GET", "/v1/nothing", 404), ("PUT", "/v1/patients", 405), ("GET", "/docs", 404)):
        assert stranger.request(method, path).status_code == 401
        assert clinician.request(method, path).status_code == status


def test_api_routes_are_all_strict(app):
    for router in ROUTERS:
        for route in router.routes:
            assert type(route).__name__ == "StrictRoute", route
            assert isinstance(route, APIRoute)
