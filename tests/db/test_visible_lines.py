"""Which lines a user sees: the answer for one, and for all at once, are the same."""

import itertools

import pytest

from ms5.accounts.keys import issue
from production.models import Line
from production.visibility import codes_visible_to_each, governs, limited
from realtime.access import access_of
from realtime.places import Places
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines():
    return [factories.line(code=f"L-{letter}") for letter in "ABC"]


def people(lines):
    """Return every mixture of rights: active or not, all lines or some, with and without a token's lines."""
    reaches = (None, [], ["L-A"], ["L-A", "L-C", "L-GONE"])
    for active, everything, own, reach in itertools.product(
        (True, False), (True, False), ((), (0,), (1, 2)), ("no token", *reaches)
    ):
        user = factories.user(all_lines=everything, is_active=active)
        for number in own:
            user.line_access.create(line=lines[number])
        if reach != "no token":
            user.token, _ = issue(user, "of a test", lines=reach)
        yield user


def test_all_at_once_is_the_same_as_one_by_one(lines, django_assert_num_queries):
    everyone = list(people(lines))
    one_by_one = [
        frozenset(Line.objects.visible_to(user).values_list("code", flat=True))
        for user in everyone
    ]
    with django_assert_num_queries(2):
        assert codes_visible_to_each(everyone) == one_by_one
    assert [access_of(user).lines for user in everyone] == one_by_one
    sizes = {len(codes) for codes in one_by_one}
    assert (len(everyone), sizes) == (60, {0, 1, 2, 3})


def test_rows_that_hang_on_a_line_follow_the_same_rule(lines):
    for user in people(lines):
        seen = set(limited(Line.objects.all(), user, "pk"))
        assert seen == set(Line.objects.visible_to(user))


def test_a_line_that_is_deleted_does_not_widen_a_token(lines):
    user = factories.user(all_lines=True)
    user.token, _ = issue(user, "of a test", lines=["L-A"])
    lines[0].delete()
    assert access_of(user).lines == frozenset()


def test_who_comes_with_a_narrow_token_governs_nobody_who_sees_more(lines):
    chief, peer = factories.user(all_lines=True), factories.user(all_lines=True)
    assert governs(chief, peer)
    chief.token, _ = issue(chief, "of a test", lines=["L-A"])
    assert not governs(chief, peer)


def test_where_equipment_stands_is_read_once_a_second_at_most(lines):
    machine = factories.equipment(line=lines[0], code="M.1")
    places = Places(kept_s=3600)
    assert [places.line_of(code) for code in ("M.1", "M.2", "M.1", "")] == [
        "L-A",
        None,
        "L-A",
        None,
    ]
    machine.line = lines[1]
    machine.save()
    assert (places.line_of("M.1"), places.reads) == ("L-A", 1)
    places.forget()
    assert (places.line_of("M.1"), places.reads) == ("L-B", 2)
    at_once = Places(kept_s=0)
    assert [at_once.line_of("M.1") for _ in range(3)] == ["L-B"] * 3
    assert at_once.reads == 3
