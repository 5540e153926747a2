"""Who sends which delivery, and how it goes on after a failure."""

from datetime import timedelta

import pytest
from django.utils import timezone

from andon.deliveries import claim, record
from andon.models import Contact, Delivery
from andon.notify.message import NotSent, Refused
from andon.notify.patience import GIVEN_UP_AFTER, LEASE
from tests import factories
from tests.db.andon_deliveries.rows import delivery, endpoint, fired_step, later

pytestmark = pytest.mark.django_db

ROOM = {"email": 8, "webhook": 8, "apprise": 4}


def state(row):
    row.refresh_from_db()
    return row.state


def keys(letters):
    return [letter.message.key for letter in letters]


def test_what_is_claimed_is_claimed_by_nobody_else_until_the_lease_ends():
    row = delivery()
    (letter,) = claim(ROOM)
    assert letter.ids == (row.pk,)
    assert state(row) == "sending"
    assert row.attempts == 1
    assert claim(ROOM) == []
    (again,) = claim(ROOM, later(LEASE.total_seconds() + 1))
    assert again.message.key == letter.message.key == row.key
    assert again.holder != letter.holder


def test_one_that_left_is_sent():
    row = delivery()
    (letter,) = claim(ROOM)
    record(letter, None)
    assert state(row) == "sent"
    assert row.message_key == row.key
    assert row.sent_at is not None
    assert claim(ROOM, later(3600)) == []


def test_one_that_did_not_leave_is_tried_again_later_and_later():
    row = delivery()
    now = timezone.now()
    waited = []
    for _ in range(GIVEN_UP_AFTER):
        (letter,) = claim(ROOM, now)
        record(letter, NotSent("the server is away"), now)
        row.refresh_from_db()
        waited.append(round((row.next_try_at - now).total_seconds()))
        assert claim(ROOM, row.next_try_at - timedelta(seconds=1)) == []
        now = row.next_try_at
    assert waited[:3] == pytest.approx([10, 30, 120], rel=0.11)
    assert (row.state, row.attempts, row.error) == ("dead", 10, "the server is away")
    assert row.dead_at is not None
    assert claim(ROOM, later(10**6)) == []


def test_one_that_is_refused_is_dead_at_once():
    row = delivery()
    (letter,) = claim(ROOM)
    record(letter, Refused("550 no such person"))
    assert state(row) == "dead"
    assert row.error == "550 no such person"


def test_one_that_left_after_its_lease_had_ended_is_sent_all_the_same():
    row = delivery()
    (slow,) = claim(ROOM)
    (other,) = claim(ROOM, later(LEASE.total_seconds() + 1))
    record(slow, NotSent("too late to say"))
    assert state(row) == "sending"
    record(slow, None)
    assert state(row) == "sent"
    record(other, NotSent("away"))
    assert state(row) == "sent"


def test_one_whose_senders_die_each_time_is_given_up():
    row = delivery()
    now = timezone.now()
    for _ in range(GIVEN_UP_AFTER):
        assert len(claim(ROOM, now)) == 1
        now += LEASE + timedelta(seconds=1)
    assert claim(ROOM, now) == []
    assert state(row) == "dead"


def test_a_person_is_sent_one_message_at_a_time_in_order_and_no_more_than_five_a_minute():
    step = fired_step()
    rows = [delivery(step) for _ in range(9)]
    now = timezone.now()
    sent = []
    for _ in range(5):
        (letter,) = claim(ROOM, now)
        assert claim(ROOM, now) == []
        record(letter, None, now)
        sent.append(letter.ids)
    assert sent[:4] == [(row.pk,) for row in rows[:4]]
    assert sent[4] == tuple(row.pk for row in rows[4:])
    assert {row.state for row in Delivery.objects.all()} == {"sent"}
    late = delivery(step)
    assert claim(ROOM, now) == []
    (letter,) = claim(ROOM, now + timedelta(seconds=61))
    assert letter.ids == (late.pk,)


def test_a_digest_tells_of_each_and_has_one_key():
    for number in range(9):
        delivery(fired_step(text=f"Fault {number}", priority="critical"))
    for _ in range(4):
        record(claim(ROOM)[0], None)
    (digest,) = claim(ROOM)
    assert digest.message.subject == "5 Andon messages (5 critical)"
    assert [f"Fault {number}" in digest.message.text for number in range(9)] == (
        4 * [False] + 5 * [True]
    )
    record(digest, None)
    held = Delivery.objects.filter(message_key=digest.message.key)
    assert held.count() == 5


def test_programs_are_sent_each_by_itself():
    to = endpoint("https://erp.example.com/")
    rows = [delivery(channel="webhook", endpoint=to) for _ in range(9)]
    seen = []
    while letters := claim(ROOM):
        assert len(letters) <= 2
        for letter in letters:
            record(letter, None)
            seen += letter.ids
    assert seen == [row.pk for row in rows]


def test_one_recipient_takes_no_room_from_the_others():
    hanging = [endpoint(f"https://{number}.example.com/") for number in range(3)]
    for to in hanging:
        for _ in range(20):
            delivery(channel="webhook", endpoint=to)
    well = endpoint("https://well.example.com/")
    last = delivery(channel="webhook", endpoint=well)
    assert last.pk in {pk for letter in claim(ROOM) for pk in letter.ids}


def test_a_channel_without_room_is_left_alone():
    delivery()
    row = delivery(channel="apprise", address="json://127.0.0.1/")
    (letter,) = claim({**ROOM, "email": 0})
    assert letter.ids == (row.pk,)


def test_what_went_to_an_endpoint_that_is_switched_off_or_gone_is_told_so():
    off = delivery(channel="webhook", endpoint=endpoint("https://a.example/", is_active=False))
    gone = delivery(channel="webhook", address="")
    assert {letter.ids[0]: letter.refusal for letter in claim(ROOM)} == {
        off.pk: "its endpoint is switched off",
        gone.pk: "it has no address any more",
    }


def test_one_that_cannot_be_told_keeps_none_of_the_others():
    broken = delivery(payload={}, address="a@plant.example")
    well = delivery()
    letters = {letter.ids[0]: letter for letter in claim(ROOM)}
    assert letters[broken.pk].refusal.startswith("it cannot be told")
    assert letters[well.pk].refusal == ""


def test_what_is_live_is_nobodys_to_send():
    delivery(channel="live", state="sent", sent_at=timezone.now())
    assert claim(ROOM) == []


def test_endpoint_and_contact_know_whether_they_were_reached():
    to = endpoint("https://erp.example.com/")
    who = factories.user()
    contact = Contact.objects.create(user=who, kind="email", address="anna@plant.example")
    delivery(channel="webhook", endpoint=to)
    delivery(contact=contact, user=who)
    for letter in claim(ROOM):
        record(letter, NotSent("away"))
    for row in (to, contact):
        row.refresh_from_db()
        assert (row.failures, row.last_error, row.last_ok_at) == (1, "away", None)
    for letter in claim(ROOM, later(20)):
        record(letter, None)
    for row in (to, contact):
        row.refresh_from_db()
        assert row.failures == 0
        assert row.last_ok_at is not None


def test_a_person_is_told_what_has_become_of_the_call_meanwhile():
    row = delivery()
    call = row.step.escalation.call
    call.status, call.acknowledged_by = "acknowledged", factories.user(username="berta")
    call.save()
    (letter,) = claim(ROOM)
    assert "By now: berta is on it" in letter.message.text
    assert "By now" not in str(letter.message.data)
