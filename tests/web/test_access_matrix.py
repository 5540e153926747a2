"""Every URL of the API, by every role, for an own and a foreign line; and what the public may see."""

import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from ms5.accounts.models import User
from ms5.accounts.roles import PERMISSIONS, SCOPES, Role, TokenScope, granted
from ms5.api_urls import router
from tests.web import plant

API = "/api/v1/"
METHODS = ("get", "head", "options", "post", "put", "patch", "delete")
# Everything below needs a session or a token. Whoever adds here decides that strangers may see it.
PUBLIC = {"/api/v1/health/"}
PUBLIC_PAGES = {"/login/", "/admin/login/", "/admin/logout/", "/ws/health"}
OF_NO_LINE = {"products", "tokens", "reasons", "defects", "andon/duties", "andon/contacts"}
# Answers to a question, which names a line or an equipment; they have no rows and no detail.
ANSWERS = {"calendar", "oee", "oee/explain", "andon/analytics", "andon/who-would-be-told"}
# Of one tag, which must be named.
OF_A_TAG = {"samples", "trends"}
LISTS = sorted({prefix for prefix, _, _ in router.registry})


def permission_for(prefix):
    model = next(view.queryset.model for name, view, _ in router.registry if name == prefix)
    return f"{model._meta.app_label}.view_{model._meta.model_name}"


def allowed(role, prefix):
    """Return whether a token of the role with every scope may read there: some rows are for people alone."""
    return permission_for(prefix) in granted(role, TokenScope.values)


def lists(floor):
    """Return the query without which a list answers 400, by endpoint."""
    return {"samples": {"tag": floor.tag.pk}}


@pytest.fixture
def programs(own, foreign, with_key):
    """One program per role that sees the own line alone."""
    return {role: with_key(user) for role, user in plant.people(own.line).items()}


def test_the_matrix_has_every_endpoint(own):
    assert set(LISTS) == set(own.paths()) | OF_NO_LINE | ANSWERS | OF_A_TAG


@pytest.mark.parametrize("role", Role.values)
def test_a_role_reads_its_own_line_and_finds_no_foreign_one(role, own, foreign, programs):
    program = programs[role]
    for prefix, key in own.paths().items():
        expected = 200 if allowed(role, prefix) else 403
        answer = program.get(f"{API}{prefix}/{key}/")
        assert answer.status_code == expected, (prefix, answer.content)
    for prefix, key in foreign.paths().items():
        expected = 404 if allowed(role, prefix) else 403
        answer = program.get(f"{API}{prefix}/{key}/")
        assert answer.status_code == expected, (prefix, answer.content)


@pytest.mark.parametrize("role", Role.values)
def test_no_list_of_a_role_holds_a_foreign_row(role, own, foreign, programs, with_key):
    program = programs[role]
    everywhere = with_key(plant.person("everywhere", "admin", all_lines=True))
    for prefix in set(LISTS) - OF_NO_LINE - ANSWERS - {"trends"}:
        if not allowed(role, prefix):
            assert program.get(f"{API}{prefix}/").status_code == 403, prefix
            continue
        query = lists(own).get(prefix, {})
        body = program.get(f"{API}{prefix}/", query)
        assert body.json()["count"] == 1, prefix
        assert plant.FOREIGN not in body.content.decode(), prefix
        # The control: the foreign row is there, for who may see it.
        control = everywhere.get(f"{API}{prefix}/", lists(foreign).get(prefix, {})).json()
        assert control["count"] == (1 if prefix == "samples" else 2), prefix
    assert program.get(f"{API}samples/", {"tag": foreign.tag.pk}).json().get("count", 0) == 0


@pytest.mark.parametrize("role", Role.values)
def test_a_question_about_a_foreign_line_is_answered_as_about_none(
    role, own, foreign, programs
):
    window = {"from": "2026-03-02T08:00:00Z", "to": "2026-03-02T09:00:00Z"}

    def asked(prefix, floor, **names):
        if prefix == "oee/explain":
            names = {"equipment": names.get("line", "") + ".M1"}
        query = {"category": "stop"} if prefix == "andon/who-would-be-told" else window
        answer = programs[role].get(f"{API}{prefix}/", query | names)
        return answer.status_code, answer.content.decode().replace(names.popitem()[1], "X")

    for prefix in ANSWERS:
        if not allowed(role, prefix):
            assert asked(prefix, own, line=plant.OWN)[0] == 403, prefix
            continue
        assert asked(prefix, own, line=plant.OWN)[0] == 200, prefix
        theirs = asked(prefix, foreign, line=plant.FOREIGN)
        assert theirs[0] in {400, 404}, prefix
        assert theirs == asked(prefix, foreign, line="L-NONE"), prefix


@pytest.mark.parametrize("role", Role.values)
def test_the_trend_of_a_foreign_tag_is_as_absent_as_no_tag(role, own, foreign, programs):
    def asked(tag):
        return programs[role].get(f"{API}trends/", {"tag": tag}).status_code

    own_status, foreign_status = (200, 404) if allowed(role, "trends") else (403, 403)
    assert asked(own.tag.pk) == own_status
    assert asked(foreign.tag.pk) == asked(2**61) == foreign_status


@pytest.mark.parametrize("role", Role.values)
def test_the_log_of_a_foreign_line_is_as_absent_as_no_line(role, own, foreign, programs):
    def status(stream):
        answer = programs[role].get(f"{API}events/", {"stream": stream})
        return answer.status_code, answer.content if answer.status_code == 404 else b""

    assert status(plant.OWN)[0] == status("plant")[0] == 200
    assert status(plant.FOREIGN) == status("no-such-line") == status("sys")
    assert status(plant.FOREIGN)[0] == 404


@pytest.mark.parametrize("role", Role.values)
def test_only_an_admin_has_tokens_here_and_only_signed_in(role, own, programs, as_user):
    user = User.objects.get(username=f"{role}-here")
    person = as_user(user)
    expected = 201 if role == Role.ADMIN else 403
    assert person.post(f"{API}tokens/", {"name": "mine"}).status_code == expected
    assert person.get(f"{API}tokens/").status_code == (200 if role == Role.ADMIN else 403)
    # No scope lets a token make, see or revoke tokens.
    for method in ("get", "post"):
        answer = getattr(programs[role], method)(f"{API}tokens/", {"name": "more"})
        assert answer.status_code == 403


@pytest.mark.parametrize("role", Role.values)
def test_every_role_gets_a_ticket_with_its_token_and_with_its_session(
    role, own, programs, as_user
):
    for who in (programs[role], as_user(User.objects.get(username=f"{role}-here"))):
        assert who.post(f"{API}ws-tickets/").status_code == 201
        for method in ("get", "put", "patch", "delete"):
            assert getattr(who, method)(f"{API}ws-tickets/").status_code == 405


@pytest.mark.parametrize("role", Role.values)
def test_a_token_reaches_as_far_as_its_lines_and_its_user_both(role, own, foreign, with_key):
    user = plant.person("both", role, own.line, foreign.line)
    narrow = with_key(user, lines=[plant.OWN, "L-NONE"])
    for prefix, key in own.paths().items():
        if allowed(role, prefix):
            assert narrow.get(f"{API}{prefix}/{key}/").status_code == 200, prefix
    for prefix, key in foreign.paths().items():
        expected = 404 if allowed(role, prefix) else 403
        assert narrow.get(f"{API}{prefix}/{key}/").status_code == expected, prefix
    assert narrow.get(f"{API}events/", {"stream": plant.FOREIGN}).status_code == 404
    assert narrow.get(f"{API}me/").json()["lines"] == [plant.OWN]
    # The control: the same user without the limit.
    assert with_key(user).get(f"{API}lines/{plant.FOREIGN}/").status_code == 200
    user.line_access.filter(line=own.line).delete()
    assert narrow.get(f"{API}lines/{plant.OWN}/").status_code == 404
    assert narrow.get(f"{API}me/").json()["lines"] == []


def test_a_token_of_one_who_sees_all_lines_is_limited_all_the_same(own, foreign, with_key):
    chief = plant.person("chief", "admin", all_lines=True, is_superuser=True)
    narrow = with_key(chief, lines=[plant.OWN])
    me = narrow.get(f"{API}me/").json()
    assert (me["lines"], me["all_lines"]) == ([plant.OWN], False)
    for prefix, key in foreign.paths().items():
        expected = 404 if allowed(Role.ADMIN, prefix) else 403
        assert narrow.get(f"{API}{prefix}/{key}/").status_code == expected, prefix
    assert with_key(chief).get(f"{API}me/").json()["all_lines"] is True


@pytest.mark.parametrize("role", Role.values)
def test_a_token_without_the_scope_reads_nothing(role, own, with_key, as_user):
    user = plant.person("writer", role, own.line)
    for scopes in (["production"], ["calls"], ["a scope of tomorrow"], []):
        program = with_key(user, scopes=scopes)
        for prefix, key in own.paths().items():
            for path in (f"{API}{prefix}/", f"{API}{prefix}/{key}/"):
                assert program.get(path).status_code == 403, path
        assert program.get(f"{API}events/", {"stream": plant.OWN}).status_code == 403
        assert program.get(f"{API}lines/{plant.OWN}/board/").status_code == 403
        assert program.post(f"{API}ws-tickets/").status_code == 403


@pytest.mark.parametrize("role", Role.values)
def test_a_scope_never_gives_what_the_role_does_not(role, own, with_key):
    program = with_key(plant.person("all", role, own.line), scopes=list(TokenScope))
    told = set(program.get(f"{API}me/").json()["permissions"])
    assert told <= PERMISSIONS[role]
    assert told == {
        name
        for name in PERMISSIONS[role]
        if any(name in granted for granted in SCOPES.values())
    }
    assert not [name for name in told if name.startswith("accounts.")]


def test_a_superuser_with_a_token_is_what_the_token_says(own, with_key):
    root = plant.person("root", "admin", own.line, is_superuser=True)
    reader = with_key(root)
    assert reader.post(f"{API}tokens/", {"name": "more"}).status_code == 403
    assert reader.get(f"{API}lines/{plant.OWN}/").status_code == 200


@pytest.mark.parametrize("role", Role.values)
def test_no_role_writes_to_anything_else(role, own, foreign, programs):
    for floor in (own, foreign):
        for prefix, key in floor.paths().items():
            for path in (f"{API}{prefix}/", f"{API}{prefix}/{key}/"):
                for method in ("post", "put", "patch", "delete"):
                    answer = getattr(programs[role], method)(path, {})
                    assert answer.status_code in {403, 405}, (method, path)
    floor.line.refresh_from_db()
    assert floor.line.name == f"Line {floor.line.code}"


@pytest.mark.parametrize("role", Role.values)
def test_a_line_taken_away_is_gone_at_once(role, own, programs):
    from production.models import LineAccess

    assert programs[role].get(f"{API}lines/{plant.OWN}/").status_code == 200
    LineAccess.objects.filter(user__role=role).delete()
    assert programs[role].get(f"{API}lines/{plant.OWN}/").status_code == 404
    assert programs[role].get(f"{API}me/").json()["lines"] == []


def test_a_shared_controller_shows_each_line_its_own_tags(own, foreign, with_key):
    from telemetry.models import Tag

    shared = own.plc
    theirs = Tag.objects.create(
        plc=shared,
        name="theirs",
        address="holding:2",
        data_type="uint16",
        equipment=foreign.equipment,
    )
    nobodys = Tag.objects.create(
        plc=shared, name="nobodys", address="holding:3", data_type="uint16"
    )
    there = with_key(plant.person("there", "engineer", foreign.line))
    names = {
        row["name"] for row in there.get(f"{API}tags/", {"plc": shared.code}).json()["results"]
    }
    assert names == {"theirs", "nobodys"}
    assert there.get(f"{API}tags/{own.tag.pk}/").status_code == 404
    here = with_key(plant.person("here", "engineer", own.line))
    assert here.get(f"{API}tags/{theirs.pk}/").status_code == 404
    assert here.get(f"{API}tags/{nobodys.pk}/").status_code == 200


def api_paths(own):
    """Return a real path for every route below /api/v1/."""
    keys = own.paths() | {"products": "P500", "tokens": 1}

    def walk(patterns, prefix):
        for pattern in patterns:
            where = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, where)
            elif isinstance(pattern, URLPattern):
                yield where

    for route in walk(get_resolver().url_patterns, "/"):
        if not route.startswith(API):
            continue
        path = route.replace("^", "").removesuffix("$")
        below = path.removeprefix(API)
        named = [name for name in keys if below.startswith(f"{name}/")]
        key = str(keys.get(max(named, key=len, default="")))
        path = re.sub(r"\(\?P<\w+>[^)]*\)", lambda _, key=key: key, path)
        yield path


def test_nothing_of_the_api_is_public_but_what_is_listed(own, client):
    paths = set(api_paths(own))
    assert len(paths) > 2 * len(LISTS)
    assert {f"{API}lines/{plant.OWN}/board/", f"{API}lines/{plant.OWN}/"} <= paths
    assert not [path for path in paths if set(path) & set("(?<")]
    for path in paths:
        statuses = {method: getattr(client, method)(path).status_code for method in METHODS}
        if path in PUBLIC:
            assert statuses["get"] in {200, 503}
        else:
            assert set(statuses.values()) == {401}, (path, statuses)


def other_paths():
    """Return a real path for every route that is not below /api/v1/."""
    kept = {"code": plant.OWN, "object_id": "1", "id": "1", "app_label": "accounts"}

    def walk(patterns, prefix):
        for pattern in patterns:
            where = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, where)
            else:
                yield where

    for route in walk(get_resolver().url_patterns, "/"):
        if route.startswith(API):
            continue
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: kept.get(found[1], "1"), route)
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: kept.get(found[1], "1"), path)
        yield path.replace("^", "").removesuffix("$").replace("\\", "")


def test_no_page_is_public_but_what_is_listed(own, client):
    """All else sends a stranger to sign in, or answers 401, 403 or 405."""
    paths = set(other_paths())
    assert {"/", f"/lines/{plant.OWN}/", "/ws/events", "/admin/accounts/user/"} <= paths
    assert not [path for path in paths if set(path) & set("(?<")]
    public = set()
    for path in paths:
        answer = client.get(path)
        kept_out = answer.status_code in {401, 403, 405} or (
            answer.status_code == 302 and "/login/?next=" in answer.headers["Location"]
        )
        if not kept_out:
            public.add(path)
    assert public == PUBLIC_PAGES


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token ms5_forged", "Token \xff"])
def test_a_bad_token_is_401_even_beside_a_good_session(own, as_user, header):
    browser = as_user(plant.person("viewer", "viewer", own.line))
    answer = browser.get(f"{API}lines/", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["code"] == "authentication_failed"


def test_a_disabled_user_is_401_with_session_and_token(own, as_user, with_key):
    user = plant.person("leaver", "viewer", own.line)
    browser, program = as_user(user), with_key(user)
    assert [each.get(f"{API}lines/").status_code for each in (browser, program)] == [200, 200]
    user.is_active = False
    user.save()
    assert [each.get(f"{API}lines/").status_code for each in (browser, program)] == [401, 401]
