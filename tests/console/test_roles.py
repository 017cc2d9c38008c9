"""Every page of the console is guarded, and each role gets exactly its own."""

import pytest
from werkzeug.routing import AnyConverter, IntegerConverter

from console import roles

READABLE = {
    "store": {"/console/today/", "/console/scan/", "/console/scan/register", "/console/me/"},
    "viewer": {"/console/members/", "/console/me/"},
    "marketer": {
        "/console/members/", "/console/today/", "/console/scan/", "/console/scan/register", "/console/me/",
        "/console/settings/", "/console/settings/stuck", "/console/health/",
    },
}  # fmt: skip
READABLE["owner"] = READABLE["marketer"] | {"/console/settings/staff", "/console/settings/audit"}
OPEN = {
    "console.login.sign_in", "console.login.check_password", "console.login.code", "console.login.check_code",
    "console.login.invitation", "console.login.accept", "console.shell.brand_css", "console.shell.no_such_page",
}  # fmt: skip


def console_rules(app):
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/console")]


def needs(app, rule):
    return getattr(app.view_functions[rule.endpoint], "needs", None)


def test_every_route_has_a_guard(app):
    rules = [rule for rule in console_rules(app) if not rule.endpoint.endswith(".static")]
    assert len(rules) > 30
    unguarded = {rule.endpoint for rule in rules if needs(app, rule) not in {*roles.LETS_IN, "nobody"}}
    assert not unguarded
    assert {rule.endpoint for rule in rules if needs(app, rule) == "nobody"} == OPEN


def filled(app, rule):
    """An address of the rule, its blanks filled with something that fits."""
    blanks = {name: blank(converter) for name, converter in rule._converters.items()}
    return app.url_map.bind("localhost").build(rule.endpoint, blanks)


def blank(converter):
    if isinstance(converter, IntegerConverter):
        return 1
    return sorted(converter.items)[0] if isinstance(converter, AnyConverter) else "x"


def test_nobody_who_is_not_signed_in_gets_anywhere(app, desk):
    for rule in console_rules(app):
        if needs(app, rule) in {None, "nobody"}:
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = desk.client.open(filled(app, rule), method=method, base_url="http://localhost")
            # A POST is stopped by its missing token already; either way nothing of the page is shown.
            assert answer.status_code in {303, 400, 403, 404}, rule
            assert "/sign-in" in answer.location if answer.status_code == 303 else "csrf" not in answer.text


@pytest.mark.parametrize("role", sorted(roles.LETS_IN["staff"]))
def test_each_role_opens_its_pages_and_no_others(app, signed_in, store, role):
    desk = signed_in(role, **({"store_id": store.id} if role == "store" else {}))
    for path in sorted(set().union(*READABLE.values())):
        expected = 200 if path in READABLE[role] else 403
        assert desk.get(path).status_code == expected, path


@pytest.mark.parametrize("role", ["viewer", "store"])
def test_a_role_cannot_post_what_it_cannot_open(app, signed_in, store, role):
    desk = signed_in(role, **({"store_id": store.id} if role == "store" else {}))
    for rule in console_rules(app):
        need = needs(app, rule)
        if "POST" in rule.methods and need in roles.LETS_IN and role not in roles.LETS_IN[need]:
            body = {"csrf_token": desk.token()}
            assert desk.client.post(filled(app, rule), data=body, base_url="http://localhost").status_code == 403, rule


def test_a_page_without_a_guard_stays_shut(app, signed_in):
    app.view_functions["console.me.page"] = lambda: "open to the world"
    desk = signed_in("owner")
    assert desk.get("/console/me/").status_code == 403


def test_pages_carry_their_headers(signed_in):
    answer = signed_in("owner").get("/console/me/")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert "style=" not in answer.text
    assert "onclick" not in answer.text


def test_what_is_not_there_is_said_in_the_consoles_shape(signed_in):
    answer = signed_in("marketer").get("/console/nowhere")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
