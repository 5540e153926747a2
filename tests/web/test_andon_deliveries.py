"""Endpoints, contacts and the log of deliveries in the admin and the API; a test is sent and told of."""

import json

import pytest
from django.contrib.messages import get_messages

from andon.models import Contact, Delivery, Endpoint
from ms5.accounts.models import AuditEntry
from tests.andon_channels.servers import LOOPBACK, free_port, http_receiver, smtp_server
from tests.db.andon_deliveries.rows import delivery, endpoint, fired_step
from tests.web import plant
from tests.web.forms import errors, form_of, save, url

pytestmark = pytest.mark.django_db
PAGE = "andon.endpoint"


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_ALLOWED = ["127.0.0.0/8"]
    with http_receiver() as one:
        yield one


@pytest.fixture
def boss(as_user):
    return as_user(plant.person("chief", "admin", all_lines=True, is_staff=True))


def told(answer):
    return [str(each) for each in get_messages(answer.wsgi_request)]


def act(client, page, action, *rows):
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(url(page, "changelist"), chosen)


def add(client, page, **said):
    path = url(page, "add")
    return client.post(path, form_of(client.get(path)) | said)


def test_a_webhook_is_made_with_a_secret_that_is_shown_once(boss, own, receiver):
    answer = add(boss, PAGE, name="ERP", kind="webhook", address=receiver.url())
    assert answer.status_code == 302, errors(answer)
    row = Endpoint.objects.get(name="ERP")
    assert len(row.secret) > 30
    assert any(row.secret in each for each in told(answer))
    boss.get(url(PAGE, "changelist"))  # where the message is shown
    page = boss.get(url(PAGE, "change", row.pk))
    assert row.secret not in page.content.decode()
    entry = AuditEntry.objects.get(action="endpoint.add")
    assert row.secret not in json.dumps(entry.after)
    act(boss, PAGE, "renew_the_secret", row)
    old, _ = row.secret, row.refresh_from_db()
    assert row.secret != old
    entry = AuditEntry.objects.get(action="endpoint.renew_secret")
    assert row.secret not in json.dumps([entry.before, entry.after])
    assert entry.after["secret"] == "renewed"


@pytest.mark.parametrize(
    ("kind", "address", "why"),
    [
        ("webhook", "ftp://a.example/", "called by https"),
        ("webhook", "https://user:word@a.example/", "no user and no password"),
        ("apprise", "dbus://", "not taken"),
        ("apprise", "json://10.0.0.1/", "not among the allowed"),
        ("apprise", "nosuch://x", "Unparseable"),
    ],
)
def test_an_address_of_a_wrong_form_is_refused_when_it_is_saved(boss, own, kind, address, why):
    answer = add(boss, PAGE, name="X", kind=kind, address=address)
    assert answer.status_code == 200
    assert why in str(errors(answer))
    assert not Endpoint.objects.filter(name="X").exists()


def test_of_a_chat_neither_page_nor_audit_shows_more_than_its_kind(
    boss, own, as_user, receiver
):
    secret = f"json://user:pass-word@{LOOPBACK}:{receiver.port}/"
    assert add(boss, PAGE, name="Room", kind="apprise", address=secret).status_code == 302
    row = Endpoint.objects.get(name="Room")
    save(boss, url(PAGE, "change", row.pk), address=secret.replace("pass", "other"))
    for entry in AuditEntry.objects.filter(subject_type=PAGE):
        assert "word" not in json.dumps([entry.before, entry.after])
    manager = as_user(
        plant.person("manager", "production_manager", all_lines=True, is_staff=True)
    )
    for page in (url(PAGE, "changelist"), url(PAGE, "change", row.pk)):
        shown = manager.get(page).content.decode()
        assert "json://..." in shown
        assert "word@" not in shown


def test_a_test_is_told_as_ok_or_failed_and_stands_at_the_endpoint(boss, own, receiver):
    well = endpoint(receiver.url(), name="Well")
    gone = endpoint(f"http://{LOOPBACK}:{free_port()}/", name="Gone")
    said = told(act(boss, PAGE, "send_a_test", well, gone))
    assert "Well: ok, it was taken." in said
    assert any(each.startswith("Gone: failed: ") and "refused" in each for each in said)
    (taken,) = receiver.taken
    assert json.loads(taken.body)["type"] == "test"
    well.refresh_from_db()
    gone.refresh_from_db()
    assert (well.failures, gone.failures) == (0, 1)
    assert well.last_ok_at is not None
    assert AuditEntry.objects.filter(action="endpoint.test").count() == 2


def test_a_contact_is_tested_by_mail(boss, own, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = LOOPBACK
    who = plant.person("ada", "operator", own.line)
    contact = Contact.objects.create(user=who, kind="email", address="ada@plant.example")
    with smtp_server() as mailbox:
        settings.EMAIL_PORT = mailbox.port
        assert told(act(boss, "andon.contact", "send_a_test", contact)) == [
            "ada: e-mail: ok, it was taken."
        ]
    (mail,) = mailbox.mails
    assert mail["X-Envelope-To"] == "ada@plant.example"
    assert "sent by chief" in mail.get_content()


def test_the_api_tells_whom_it_concerns_and_sends_no_test_for_others(
    own, with_key, as_user, receiver
):
    row = endpoint(receiver.url(), name="ERP")
    path = f"/api/v1/andon/endpoints/{row.pk}/"
    manager = as_user(plant.person("pm", "production_manager", all_lines=True))
    assert set(manager.get(path).json()) == {
        *("id", "name", "kind", "is_active"),
        *("last_ok_at", "last_error", "last_error_at", "failures"),
    }
    assert manager.post(f"{path}test/").status_code == 403
    program = with_key(plant.person("root", "admin", all_lines=True))
    assert program.get(path).status_code == 403  # no scope reaches endpoints
    assert program.post(f"{path}test/").status_code == 403
    assert receiver.taken == []


def test_a_person_signed_in_sends_a_test_over_the_api(boss, own, receiver):
    row = endpoint(receiver.url(), name="ERP")
    path = f"/api/v1/andon/endpoints/{row.pk}/test/"
    assert boss.post(path).json() == {"ok": True, "sentence": "ERP: ok, it was taken."}
    receiver.status = 503
    answer = boss.post(path).json()
    assert (answer["ok"], "503" in answer["sentence"]) == (False, True)


def test_the_log_shows_deliveries_of_visible_lines_and_sends_dead_ones_again(
    boss, own, foreign, as_user
):
    here = delivery(fired_step(line=own.line, text="Oven here"), state="dead", dead_at=plant.T0)
    there = delivery(fired_step(line=foreign.line, text="Oven there"))
    page = url("andon.delivery", "changelist")
    manager = as_user(plant.person("pm", "production_manager", own.line, is_staff=True))
    shown = manager.get(page).content.decode()
    assert "Oven here" in shown
    assert "Oven there" not in shown
    assert manager.get(url("andon.delivery", "change", there.pk)).status_code == 302
    act(manager, "andon.delivery", "send_again", here)
    assert Delivery.objects.get(pk=here.pk).state == "dead"
    act(boss, "andon.delivery", "send_again", here, there)
    here.refresh_from_db()
    assert (here.state, here.attempts, here.dead_at) == ("pending", 0, None)
    assert AuditEntry.objects.filter(action="delivery.send_again").count() == 1
