"""Values that no calendar or column can hold are the caller's mistake and never a crash."""

import pytest
from django.urls import reverse

from tests.web import plant

LATEST, EARLIEST = "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00"
HUGE = "9" * 20


@pytest.fixture
def reader(own, with_key):
    return with_key(plant.person("reader", "maintenance", own.line))


@pytest.mark.parametrize("moment", [LATEST, EARLIEST])
@pytest.mark.parametrize(
    "path", ["counts", "faults", "spans", "context-changes", "ideal-cycles"]
)
@pytest.mark.parametrize("side", ["after", "before"])
def test_a_moment_beyond_the_calendar_is_refused(reader, own, path, side, moment):
    answer = reader.get(f"/api/v1/{path}/", {side: moment})
    assert answer.status_code in {200, 400}
    assert answer.headers["Content-Type"] == "application/json"


def test_a_body_nested_without_end_is_refused(own, as_user):
    admin = as_user(plant.person("boss", "admin", own.line))
    answer = admin.post("/api/v1/tokens/", "[" * 100_000, content_type="application/json")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("view", "query"),
    [
        ("production_condition_changelist", {"pk__in": HUGE}),
        ("accounts_auditentry_changelist", {"at__year": HUGE}),
        ("accounts_apitoken_changelist", {"revoked_at__gte": LATEST}),
    ],
)
def test_the_admin_asks_no_database_for_what_it_cannot_hold(own, as_user, view, query):
    boss = as_user(plant.person("boss", "admin", own.line, is_staff=True))
    assert boss.get(reverse(f"admin:{view}"), query).status_code in {200, 302, 400}


def test_an_admin_page_of_an_impossible_key_is_refused(own, as_user):
    boss = as_user(plant.person("boss", "admin", own.line, is_staff=True))
    path = reverse("admin:production_condition_change", args=[HUGE])
    assert boss.get(path).status_code in {302, 400, 404}
