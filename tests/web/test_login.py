"""Guessing passwords: a pause that grows, the same for accounts that do not exist, and ways back in."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from ms5.accounts.models import SignInAttempts
from ms5.accounts.throttle import ACCOUNT, ADDRESS, TooMany, admit, succeeded
from tests.web import plant

NOW = timezone.now()


@pytest.fixture
def viewer(own):
    return plant.person("viewer", "viewer", own.line, is_staff=True)


def sign_in(username, secret=None, path="/login/", **headers):
    values = {"username": username, "password": secret or "wrong"}
    return Client(headers=headers).post(path, values)


def test_after_five_wrong_passwords_the_right_one_is_not_even_tried(viewer):
    for _ in range(5):
        assert sign_in("viewer").status_code == 200
    refused = sign_in("viewer", plant.PASSWORD)
    assert refused.status_code == 429
    assert 29 <= int(refused.headers["Retry-After"]) <= 31
    assert (
        "Too many wrong passwords for this account. Try again in 30\N{NO-BREAK SPACE}s,"
        " or ask an administrator to let you in again." in refused.content.decode()
    )
    assert "sessionid" not in refused.cookies


def test_the_page_says_the_same_of_an_account_that_does_not_exist(viewer):
    said = {}
    for name in ("viewer", "nobody"):
        answers = [sign_in(name) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        said[name] = [answer.context["form"].non_field_errors() for answer in answers]
    assert said["viewer"] == said["nobody"]


def test_a_name_that_is_no_account_is_not_kept(viewer):
    sign_in("my secret password")
    row = SignInAttempts.objects.get(address="")
    assert row.user is None
    assert "secret" not in str(vars(row))
    assert str(row) == "a name that is no account"


def test_the_admin_counts_with_our_page(viewer):
    for path in ("/login/", "/admin/login/") * 2 + ("/admin/login/",):
        assert sign_in("viewer", path=path).status_code == 200
    refused = sign_in("viewer", plant.PASSWORD, path="/admin/login/")
    assert "Too many wrong passwords for this account. Try again in" in refused.content.decode()
    assert "sessionid" not in refused.cookies
    assert sign_in("viewer", plant.PASSWORD).status_code == 429


def test_the_right_password_signs_in_and_the_account_begins_anew(viewer):
    for _ in range(3):
        for _ in range(4):
            sign_in("viewer")
        assert sign_in("viewer", plant.PASSWORD).status_code == 302
    assert SignInAttempts.objects.filter(user=viewer).count() == 0
    assert sign_in("viewer", plant.PASSWORD, path="/admin/login/").status_code == 302
    # The address remembers the wrong ones, and them only.
    assert SignInAttempts.objects.get().failures == 12


def test_a_right_password_counts_as_right_though_the_admin_is_not_for_its_owner(own):
    plant.person("operator", "operator", own.line)
    for _ in range(7):
        answer = sign_in("operator", plant.PASSWORD, path="/admin/login/")
        assert answer.status_code == 200
        assert "sessionid" not in answer.cookies
    assert list(SignInAttempts.objects.values_list("failures", flat=True)) == [0]
    assert sign_in("operator", plant.PASSWORD).status_code == 302


def test_spelling_the_name_otherwise_is_no_way_around(viewer):
    for name in ("viewer", "VIEWER", "Viewer", "vieweR", "ViEwEr"):
        sign_in(name)
    assert sign_in("viewer", plant.PASSWORD).status_code == 429


def test_one_address_does_not_go_through_all_accounts(db):
    for number in range(50):
        assert sign_in(f"user{number}").status_code == 200
    refused = sign_in("user50")
    assert refused.status_code == 429
    assert "Too many wrong passwords from this address." in refused.content.decode()
    SignInAttempts.objects.filter(address="127.0.0.1").delete()
    assert sign_in("user50").status_code == 200


def test_behind_a_proxy_people_are_counted_by_their_own_address(db, settings):
    settings.TRUSTED_PROXIES = 1
    for number in range(50):
        sign_in(f"user{number}", x_forwarded_for=f"10.9.9.{number}, 192.0.2.1")
    said = {"x_forwarded_for": "10.1.1.1, 192.0.2.1"}
    assert sign_in("one more", **said).status_code == 429
    assert sign_in("one more", x_forwarded_for="192.0.2.2").status_code == 200
    settings.TRUSTED_PROXIES = 0
    assert sign_in("one more", x_forwarded_for="192.0.2.1").status_code == 200


def test_time_is_a_way_back_in_and_the_pause_doubles_up_to_a_quarter_of_an_hour(viewer):
    now, pauses = NOW, []
    for _ in range(5):
        admit("viewer", "192.0.2.1", now)
    for _ in range(8):
        with pytest.raises(TooMany) as refused:
            admit("viewer", "192.0.2.1", now)
        pauses.append(refused.value.wait.total_seconds())
        now += refused.value.wait
        admit("viewer", "192.0.2.1", now)
    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]
    attempt = admit("viewer", "192.0.2.1", now + timedelta(minutes=15))
    succeeded(attempt)
    for _ in range(5):
        admit("viewer", "192.0.2.1", now + timedelta(minutes=15))


def test_an_hour_of_quiet_forgets(db):
    for _ in range(5):
        admit("viewer", "192.0.2.1", NOW)
    admit("viewer", "192.0.2.1", NOW + timedelta(minutes=61))
    assert {row.failures for row in SignInAttempts.objects.all()} == {1}


@pytest.mark.django_db(transaction=True)
def test_of_many_guesses_at_once_five_are_tried():
    start, tried, refused = threading.Barrier(12), [], []

    def guess():
        try:
            start.wait(10)
            admit("viewer", "192.0.2.1", NOW)
            tried.append(1)
        except TooMany:
            refused.append(1)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(tried), len(refused)) == (5, 7)


@pytest.mark.parametrize("body", [{}, {"username": "viewer"}, {"password": "x"}])
def test_a_form_that_is_not_filled_in_counts_nothing(viewer, body):
    assert Client().post("/login/", body).status_code == 200
    assert SignInAttempts.objects.count() == 0


@given(st.integers(0, 10_000))
def test_a_pause_never_shrinks_with_one_more_failure(failures):
    for rule in (ACCOUNT, ADDRESS):
        now, then = rule.pause(failures), rule.pause(failures + 1)
        assert timedelta(0) <= now <= then <= timedelta(minutes=15)
        assert (now == timedelta(0)) == (failures < rule.free)
