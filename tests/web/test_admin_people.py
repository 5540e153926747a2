"""Users, their lines and their tokens in the admin: nobody gains by it what they have not."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from ms5.accounts.models import ApiToken, AuditEntry, SignInAttempts, User
from production.models import LineAccess
from tests.web import plant
from tests.web.forms import errors, form_of, save, url

SECRET = "another long password 7"


@pytest.fixture
def chief(own, foreign, as_user) -> Client:
    """An admin who sees the own line alone."""
    return as_user(plant.person("chief", "admin", own.line, is_staff=True))


def new_user(client, **changes):
    values = {
        "username": "newcomer",
        "usable_password": "true",
        "password1": SECRET,
        "password2": SECRET,
        "role": "operator",
    }
    inlines = {
        f"{prefix}-{part}_FORMS": 0
        for prefix in ("line_access", "tokens")
        for part in ("TOTAL", "INITIAL")
    }
    return client.post(url(User, "add"), values | inlines | changes)


def test_a_user_is_made_with_a_role_and_can_sign_in(root):
    answer = new_user(root)
    assert answer.status_code == 302, errors(answer)
    assert User.objects.get(username="newcomer").role == "operator"
    assert Client().login(username="newcomer", password=SECRET)
    entry = AuditEntry.objects.get(action="user.add")
    assert (entry.actor_name, entry.after["role"]) == ("Ada", "operator")
    assert "password" not in entry.after


def test_a_user_is_given_a_line_and_loses_it_and_both_are_written_down(root, own):
    user = plant.person("newcomer", "operator")
    given = save(
        root,
        url(User, "change", user.pk),
        **{
            "line_access-TOTAL_FORMS": 1,
            "line_access-0-user": user.pk,
            "line_access-0-line": own.line.pk,
        },
    )
    assert given.status_code == 302, errors(given)
    assert list(user.line_access.values_list("line__code", flat=True)) == ["L-OWN"]
    taken = save(root, url(User, "change", user.pk), **{"line_access-0-DELETE": "on"})
    assert taken.status_code == 302, errors(taken)
    deeds = AuditEntry.objects.filter(subject_type="production.lineaccess").order_by("pk")
    assert [(deed.action, deed.line_id) for deed in deeds] == [
        ("lineaccess.add", "L-OWN"),
        ("lineaccess.delete", "L-OWN"),
    ]


def test_a_password_set_anew_is_written_down_without_the_password(root):
    user = plant.person("forgetful", "operator")
    path = reverse("admin:auth_user_password_change", args=(user.pk,))
    assert root.get(path).status_code == 200
    wrong = {"password1": SECRET, "password2": "not the same", "usable_password": "true"}
    assert root.post(path, wrong).status_code == 200
    assert AuditEntry.objects.filter(action="user.password").count() == 0
    right = {"password1": SECRET, "password2": SECRET, "usable_password": "true"}
    assert root.post(path, right).status_code == 302
    entry = AuditEntry.objects.get(action="user.password")
    assert (entry.subject_name, entry.before, entry.after) == ("forgetful", {}, {})
    assert Client().login(username="forgetful", password=SECRET)


@pytest.mark.parametrize("name", ["0", "99999999999999999999999", "x", "٣"])
def test_the_password_of_nobody_cannot_be_set(root, name):
    assert root.post(f"/admin/accounts/user/{name}/password/", {}).status_code in {403, 404}


def test_who_sees_one_line_does_not_act_as_one_who_sees_more(chief, own, foreign):
    for victim in (
        plant.person("everywhere", "viewer", all_lines=True),
        plant.person("elsewhere", "viewer", own.line, foreign.line),
    ):
        page = chief.get(url(User, "change", victim.pk))
        assert (page.status_code, page.context["has_change_permission"]) == (200, False)
        password = reverse("admin:auth_user_password_change", args=(victim.pk,))
        new = {"password1": SECRET, "password2": SECRET, "usable_password": "true"}
        assert chief.post(password, new).status_code == 403
        assert chief.post(url(User, "delete", victim.pk), {"post": "yes"}).status_code == 403
        values = {"user": victim.pk, "name": "as another", "scopes": ["read"]}
        made = chief.post(url(ApiToken, "add"), values)
        assert "user" in errors(made)[0]
        victim.refresh_from_db()
        assert victim.check_password(plant.PASSWORD)
    assert ApiToken.objects.count() == 0


def test_who_sees_one_line_gives_no_other(chief, own, foreign):
    peer = plant.person("peer", "operator", own.line)
    path = url(User, "change", peer.pk)
    assert save(chief, path, all_lines="on").status_code == 302
    peer.refresh_from_db()
    assert peer.all_lines is False
    values = {
        "line_access-TOTAL_FORMS": 2,
        "line_access-1-user": peer.pk,
        "line_access-1-line": foreign.line.pk,
    }
    answer = save(chief, path, **values)
    assert "line" in errors(answer)[2]
    assert new_user(chief, username="second", all_lines="on").status_code == 302
    assert User.objects.get(username="second").all_lines is False
    assert LineAccess.objects.filter(line=foreign.line).count() == 0


def test_rights_beside_the_role_have_no_field(root):
    user = plant.person("operator", "operator")
    values = form_of(root.get(url(User, "change", user.pk)))
    assert {"is_superuser", "groups", "user_permissions"} & set(values) == set()
    save(root, url(User, "change", user.pk), is_superuser="on")
    user.refresh_from_db()
    assert user.is_superuser is False


def test_a_token_made_here_shows_its_key_once(root, own):
    program = plant.person("mes", "integrator", own.line)
    made = root.post(
        url(ApiToken, "add"),
        {"user": program.pk, "name": "MES", "scopes": ["read"]},
        follow=True,
    )
    key = re.search(r"ms5_[\w-]{43}", made.content.decode())[0]
    asked = Client(headers={"Authorization": f"Token {key}"}).get("/api/v1/me/")
    assert asked.json()["lines"] == ["L-OWN"]
    token = ApiToken.objects.get(user=program)
    for page in (
        url(ApiToken, "changelist"),
        url(ApiToken, "change", token.pk),
        url(User, "change", program.pk),
    ):
        text = root.get(page).content.decode()
        assert token.prefix in text
        assert key not in text
        assert token.digest not in text
    assert AuditEntry.objects.get(action="apitoken.add").actor_name == "Ada"


def test_a_token_is_revoked_and_neither_edited_nor_deleted(root, own):
    program = plant.person("mes", "integrator", own.line)
    root.post(url(ApiToken, "add"), {"user": program.pk, "name": "MES", "scopes": ["read"]})
    token = ApiToken.objects.get(user=program)
    assert root.post(url(ApiToken, "change", token.pk), {"name": "other"}).status_code == 403
    assert root.post(url(ApiToken, "delete", token.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "revoke", "_selected_action": token.pk}
    for said in ("1 revoked", "0 revoked"):
        assert (
            said in root.post(url(ApiToken, "changelist"), chosen, follow=True).content.decode()
        )
    assert AuditEntry.objects.filter(action="apitoken.revoke").count() == 1
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_token_is_limited_to_scopes_and_to_lines_its_maker_sees(chief, own, foreign):
    program = plant.person("mes", "operator", own.line)
    values = {"user": program.pk, "name": "MES", "kiosk": "on"}
    page = chief.get(url(ApiToken, "add")).context["adminform"].form
    assert page.fields["lines"].choices == [("L-OWN", "L-OWN · Line L-OWN")]
    refused = chief.post(url(ApiToken, "add"), values | {"scopes": ["all"]})
    assert "scopes" in errors(refused)[0]
    refused = chief.post(
        url(ApiToken, "add"), values | {"scopes": ["read"], "lines": ["L-FOREIGN"]}
    )
    assert "lines" in errors(refused)[0]
    wanted = {"scopes": ["read", "production"], "lines": ["L-OWN"]}
    made = chief.post(url(ApiToken, "add"), values | wanted)
    assert made.status_code == 302, errors(made)
    token = ApiToken.objects.get()
    assert (token.scopes, token.lines, token.kiosk) == (["read", "production"], ["L-OWN"], True)
    entry = AuditEntry.objects.get(action="apitoken.add")
    assert entry.after["scopes"] == ["read", "production"]
    assert entry.after["lines"] == ["L-OWN"]
    listed = chief.get(url(ApiToken, "changelist")).content.decode()
    assert "read, production: L-OWN" in listed


def test_who_was_locked_out_is_let_in_again_and_it_is_written_down(chief, own, foreign):
    peer = plant.person("peer", "operator", own.line)
    stranger = plant.person("stranger", "operator", foreign.line)
    for user in (peer, stranger):
        for _ in range(6):
            Client().post("/login/", {"username": user.username, "password": "wrong"})
    page = url(SignInAttempts, "changelist")
    shown = [row.user for row in chief.get(page).context["cl"].result_list]
    assert shown == [peer]
    ids = {row.user: row.pk for row in SignInAttempts.objects.all()}
    right = {"username": "peer", "password": plant.PASSWORD}
    assert Client().post("/login/", right).status_code == 429
    for user in (peer, stranger):
        chief.post(page, {"action": "let_in", "_selected_action": ids[user]})
    assert Client().post("/login/", right).status_code == 302
    right["username"] = "stranger"
    assert Client().post("/login/", right).status_code == 429
    entry = AuditEntry.objects.get(action="signinattempts.let_in")
    assert (entry.actor_name, entry.subject_name, entry.after) == (
        "chief",
        "peer",
        {"failures": 5},
    )


def test_an_address_that_was_wrong_is_listed_as_one_and_one_that_was_not_is_not(own, as_user):
    chief = as_user(plant.person("chief", "admin", all_lines=True, is_staff=True))
    peer = plant.person("peer", "operator", own.line)
    page = url(SignInAttempts, "changelist")
    Client().post("/login/", {"username": peer.username, "password": plant.PASSWORD})
    assert SignInAttempts.objects.get().failures == 0
    assert not chief.get(page).context["cl"].result_list
    Client().post("/login/", {"username": peer.username, "password": "wrong"})
    answer = chief.get(page)
    rows = {row.address: row for row in answer.context["cl"].result_list}
    assert set(rows) == {"", "127.0.0.1"}
    who = answer.context["cl"].model_admin.who
    assert [who(rows[""]), who(rows["127.0.0.1"])] == ["peer", None]


def test_the_audit_of_a_line_is_shown_to_its_manager(own, foreign, as_user):
    for line_id in (own.line.code, foreign.line.code, ""):
        AuditEntry.objects.create(actor_name="Ada", action="line.change", line_id=line_id)
    manager = as_user(plant.person("pm", "production_manager", own.line, is_staff=True))
    rows = manager.get(url(AuditEntry, "changelist")).context["cl"].result_list
    assert [row.line_id for row in rows] == ["L-OWN"]


def test_the_names_in_the_audit_fit_however_long_they_are(own, as_user):
    person = plant.person(
        "long",
        "admin",
        all_lines=True,
        is_staff=True,
        first_name="A" * 150,
        last_name="B" * 150,
    )
    answer = save(as_user(person), url("production.line", "change", own.line.pk), name="Other")
    assert answer.status_code == 302
    assert AuditEntry.objects.get().actor_name.startswith("AAA")
