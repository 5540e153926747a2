"""The same key gets the same answer, whoever asks at the same time, and a refused deed leaves no trace."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from ms5.accounts import audit
from ms5.accounts.idempotency import KEPT_FOR, Answer, KeyReused, digest, once, prune
from ms5.accounts.models import AuditEntry, IdempotentAnswer
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = digest("POST", "/api/v1/jobs/", b"{}")


class Deed:
    """Writes one audit entry each time it is done."""

    def __init__(self, user):
        self.user = user
        self.done = 0

    def __call__(self):
        self.done += 1
        audit.record(self.user, "test.deed", self.user)
        return Answer(201, {"number": self.done})


def test_the_same_key_does_it_once_and_answers_alike():
    deed = Deed(make.user())
    first, second = (once(deed.user, "k1", ASKED, deed) for _ in range(2))
    assert (first.status, first.body, first.replayed) == (201, {"number": 1}, False)
    assert (second.status, second.body, second.replayed) == (201, {"number": 1}, True)
    assert AuditEntry.objects.filter(action="test.deed").count() == 1
    assert once(deed.user, "k2", ASKED, deed).body == {"number": 2}
    assert once(make.user(), "k1", ASKED, deed).body == {"number": 3}


def test_a_key_is_of_one_request():
    deed = Deed(make.user())
    once(deed.user, "k", ASKED, deed)
    for other in (
        digest("POST", "/api/v1/jobs/", b'{"a": 1}'),
        digest("POST", "/api/v1/entries/", b"{}"),
        digest("PATCH", "/api/v1/jobs/", b"{}"),
    ):
        with pytest.raises(KeyReused):
            once(deed.user, "k", other, deed)
    assert deed.done == 1


def test_a_deed_that_was_refused_may_be_asked_for_again():
    deed = Deed(make.user())

    def refused():
        deed()
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        once(deed.user, "k", ASKED, refused)
    assert not IdempotentAnswer.objects.exists()
    assert not AuditEntry.objects.filter(action="test.deed").exists()
    assert once(deed.user, "k", ASKED, deed).body == {"number": 2}


def test_of_many_at_once_one_does_it_and_all_get_its_answer():
    deed = Deed(make.user())
    told, ready = [], threading.Barrier(6)

    def ask():
        try:
            ready.wait()
            told.append(once(deed.user, "k", ASKED, deed))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 6
    assert AuditEntry.objects.filter(action="test.deed").count() == 1
    assert len({answer.body["number"] for answer in told}) == 1
    assert sorted(answer.replayed for answer in told) == [False] + [True] * 5


def test_answers_are_forgotten_when_nobody_will_ask_again():
    deed, now = Deed(make.user()), timezone.now()
    once(deed.user, "old", ASKED, deed)
    once(deed.user, "new", ASKED, deed)
    IdempotentAnswer.objects.filter(key="old").update(at=now - KEPT_FOR - timedelta(seconds=1))
    assert prune(now) == 1
    assert list(IdempotentAnswer.objects.values_list("key", flat=True)) == ["new"]
