"""Bodies that hold text of no encoding are the caller's mistake, told in a sentence."""

import pytest
from django.test import Client

from ms5.accounts.roles import Role
from tests.factories import equipment, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    browser = Client()
    browser.force_login(user(Role.SHIFT_MANAGER))
    return browser


@pytest.mark.parametrize(
    "body",
    [
        r'{"equipment": "\ud800", "good": 1}',
        r'{"\udfff": 1}',
        r'{"rejects": [{"defect": "a\ud800b", "quantity": 1}]}',
        r'["\ud800"]',
        r'"\ud800"',
        '{"equipment": "\ud800"}'.encode("utf-8", "surrogatepass"),
        b'{"equipment": "\xff"}',
    ],
)
def test_half_a_surrogate_pair_in_json_is_refused(browser, body):
    answer = browser.post("/api/v1/entries/", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "parse_error"


def test_a_whole_pair_is_a_letter_like_another(browser):
    machine = equipment()
    body = r'{"equipment": "%s", "good": 1, "rejects": [], "note": "\ud83c\udf5e"}'
    answer = browser.post(
        "/api/v1/entries/", body % machine.code, content_type="application/json"
    )
    assert answer.status_code == 201, answer.content


def test_what_is_no_unicode_in_a_form_is_an_unknown_equipment(browser):
    for body in (b"equipment=%ED%A0%80&good=1", b"equipment=\xff&good=1"):
        answer = browser.post(
            "/api/v1/entries/", body, content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code == 400
