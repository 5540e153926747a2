"""The calendar over the API and in the admin: who may change it, what is refused, and what it comes to."""

from datetime import date, time

import pytest

from ms5.accounts.models import AuditEntry
from production.models import Area, Break, CalendarException, Line, Shift
from tests.web import plant
from tests.web.forms import errors, save, url

API = "/api/v1/"
BODY = {
    "name": "Early",
    "weekdays": "12345",
    "starts": "06:00",
    "ends": "14:00",
    "breaks": [{"name": "Breakfast", "starts": "09:00", "ends": "09:30"}],
}
HOLIDAY = {
    "kind": "holiday",
    "name": "May Day",
    "first_day": "2026-05-01",
    "last_day": "2026-05-01",
}


def send(client, method, path, body=None, **headers):
    return getattr(client, method)(
        API + path, body, content_type="application/json", headers=headers
    )


@pytest.fixture
def own(own):
    """The own line, without a calendar yet."""
    return bare(own)


@pytest.fixture
def foreign(foreign):
    return bare(foreign)


def bare(floor):
    for model in (Shift, CalendarException):
        model.objects.filter(site=floor.line.area.site).delete()
    return floor


@pytest.fixture
def here(own):
    """The site and the line of the own floor, as a body names them."""
    return {"site": own.line.area.site.code, "line": own.line.code}


def test_a_shift_comes_with_its_breaks_and_is_replaced_as_a_whole(engineer, own, here):
    made = send(engineer, "post", "shifts/", BODY | here)
    assert made.status_code == 201, made.content
    shift = made.json()
    assert (shift["site"], shift["line"], shift["starts"]) == ("S-L-OWN", "L-OWN", "06:00:00")
    assert shift["breaks"] == [{"name": "Breakfast", "starts": "09:00:00", "ends": "09:30:00"}]
    path = f"shifts/{shift['id']}/"
    other = BODY | here | {"breaks": [{"starts": "12:00", "ends": "12:15"}], "ends": "15:00"}
    answer = send(engineer, "put", path, other)
    assert answer.status_code == 200, answer.content
    assert answer.json()["breaks"] == [
        {"name": "Break", "starts": "12:00:00", "ends": "12:15:00"}
    ]
    assert engineer.get(f"{API}shifts/", {"line": "L-OWN"}).json()["results"] == [answer.json()]
    assert send(engineer, "patch", path, {}).status_code in {403, 405}
    assert send(engineer, "delete", path).status_code == 204
    assert (Shift.objects.count(), Break.objects.count()) == (0, 0)
    entries = AuditEntry.objects.order_by("pk")
    assert [each.action for each in entries] == ["shift.add", "shift.change", "shift.delete"]


def test_a_key_makes_one_shift_of_two_requests(engineer, own, here):
    answers = [
        send(engineer, "post", "shifts/", BODY | here, **{"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Shift.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"weekdays": "54"}, "weekdays", "Days are digits in order"),
        ({"weekdays": ""}, "weekdays", "may not be blank"),
        ({"starts": "25:00"}, "starts", "Time has wrong format"),
        ({"line": "L-FOREIGN"}, "line", "There is no such line."),
        ({"site": "S-L-FOREIGN"}, "site", "There is no such site."),
        (
            {"breaks": [{"starts": "13:45", "ends": "14:15"}]},
            "breaks",
            "Break 13:45-14:15 is not within the shift 06:00-14:00.",
        ),
        ({"breaks": [{"starts": "13:45", "ends": "x"}]}, "breaks", "Time has wrong format"),
        ({"first_day": "2026-05-02", "last_day": "2026-05-01"}, "last_day", "before the first"),
    ],
)
def test_a_shift_that_cannot_be_is_400_with_a_sentence(
    engineer, own, foreign, here, changes, field, sentence
):
    answer = send(engineer, "post", "shifts/", BODY | here | changes)
    assert answer.status_code == 400, answer.content
    assert sentence in str(answer.json()["errors"][field])
    assert Shift.objects.count() == 0


def test_an_exception_is_kept_changed_and_dropped(engineer, own, here):
    made = send(engineer, "post", "calendar-exceptions/", HOLIDAY | here)
    assert made.status_code == 201, made.content
    path = f"calendar-exceptions/{made.json()['id']}/"
    answer = send(engineer, "put", path, HOLIDAY | here | {"starts": "06:00", "ends": "07:00"})
    assert (answer.status_code, answer.json()["ends"]) == (200, "07:00:00")
    answer = send(engineer, "put", path, HOLIDAY | here | {"starts": "06:00"})
    assert answer.status_code == 400
    assert answer.json() == {
        "detail": "ends: Say both times, or none for the whole day.",
        "code": "invalid",
        "errors": {"ends": ["Say both times, or none for the whole day."]},
    }
    assert send(engineer, "delete", path).status_code == 204
    assert CalendarException.objects.count() == 0


@pytest.mark.parametrize(
    "role", ["engineer", "production_manager", "admin", "operator", "viewer"]
)
def test_who_may_change_standards_may_change_the_calendar(role, own, here, as_user, with_key):
    user = plant.person("someone", role, own.line)
    may = role in {"engineer", "production_manager", "admin"}
    person, program = as_user(user), with_key(user)
    made = send(person, "post", "shifts/", BODY | here)
    assert made.status_code == (201 if may else 403)
    row = Shift.objects.first() or Shift.objects.create(
        site=own.line.area.site, line=own.line, name="X", starts=time(6), ends=time(14)
    )
    # A token reads; no scope lets it change standards.
    assert program.get(f"{API}shifts/{row.pk}/").status_code == 200
    for method, path in (
        ("post", "shifts/"),
        ("put", f"shifts/{row.pk}/"),
        ("delete", f"shifts/{row.pk}/"),
    ):
        assert send(program, method, path, BODY | here).status_code == 403
    assert send(person, "delete", f"shifts/{row.pk}/").status_code == (204 if may else 403)


def test_a_shift_of_a_site_is_seen_with_any_of_its_lines_and_changed_with_all(
    engineer, own, foreign, here
):
    site = own.line.area.site
    of_site = Shift.objects.create(site=site, name="X", starts=time(6), ends=time(14))
    theirs = Shift.objects.create(
        site=foreign.line.area.site, name="Y", starts=time(6), ends=time(14)
    )
    listed = engineer.get(f"{API}shifts/").json()["results"]
    assert [each["id"] for each in listed] == [of_site.pk]
    for method in ("get", "put", "delete"):
        assert send(engineer, method, f"shifts/{theirs.pk}/", BODY | here).status_code == 404
    whole = BODY | {"site": site.code}
    path = f"shifts/{of_site.pk}/"
    assert send(engineer, "put", path, whole).status_code == 200
    Line.objects.create(area=Area.objects.get(site=site), code="L-BESIDE", name="Beside")
    for method in ("put", "delete"):
        assert send(engineer, method, path, whole).status_code == 403
    assert send(engineer, "post", "shifts/", whole).status_code == 403
    assert Shift.objects.filter(site=site).count() == 1


def test_the_calendar_is_told_as_shifts_and_as_a_plan(engineer, own, here):
    send(engineer, "post", "shifts/", BODY | here | {"weekdays": "1234567"})
    window = {"line": "L-OWN", "from": "2026-05-01T08:00:00Z", "to": "2026-05-01T15:00:00Z"}
    body = engineer.get(f"{API}calendar/", window).json()
    assert (body["line"], body["time_zone"]) == ("L-OWN", "UTC")
    assert body["shifts"] == [
        {
            "name": "Early",
            "day": "2026-05-01",
            "started_at": "2026-05-01T06:00:00Z",
            "ended_at": "2026-05-01T14:00:00Z",
        }
    ]
    assert [(each["plan"], each["started_at"][11:16]) for each in body["plan"]] == [
        ("scheduled", "08:00"),
        ("planned", "09:00"),
        ("scheduled", "09:30"),
        ("not_scheduled", "14:00"),
    ]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"line": "L-FOREIGN"}, 404),
        ({"line": "L-NONE"}, 404),
        ({"line": "\x00"}, 400),
        ({"from": "2026-05-02T00:00:00Z"}, 400),
        ({"to": "2027-12-01T00:00:00Z"}, 400),
        ({"to": "soon"}, 400),
        ({"from": "0001-01-01T00:00:00Z", "to": "0001-01-02T00:00:00Z"}, 400),
        ({"from": "9999-12-30T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, 400),
    ],
)
def test_a_calendar_that_cannot_be_told_is_refused(engineer, own, foreign, changes, status):
    window = {"line": "L-OWN", "from": "2026-05-01T00:00:00Z", "to": "2026-05-02T00:00:00Z"}
    answer = engineer.get(f"{API}calendar/", window | changes)
    assert answer.status_code == status, answer.content


# The admin


def of_shift(own, **changes):
    return {
        "site": own.line.area.site.pk,
        "line": own.line.pk,
        "name": "Night",
        "weekdays": "1234567",
        "starts": "22:00",
        "ends": "06:00",
        "breaks-TOTAL_FORMS": "2",
        "breaks-0-name": "Meal",
        "breaks-0-starts": "01:45",
        "breaks-0-ends": "02:15",
        "breaks-1-name": "Tea",
        "breaks-1-starts": "04:00",
        "breaks-1-ends": "04:10",
    } | changes


def test_a_shift_is_filled_in_with_its_breaks(engineer, own):
    answer = save(engineer, url(Shift, "add"), **of_shift(own))
    assert answer.status_code == 302, errors(answer)
    shift = Shift.objects.get()
    assert [(each.name, each.starts) for each in shift.breaks.all()] == [
        ("Meal", time(1, 45)),
        ("Tea", time(4)),
    ]
    assert {each.action for each in AuditEntry.objects.all()} == {"shift.add", "break.add"}
    # Both breaks change places at once, within a shift that is another as well.
    answer = save(
        engineer,
        url(Shift, "change", shift.pk),
        starts="02:00",
        ends="10:00",
        **{
            "breaks-0-starts": "04:00",
            "breaks-0-ends": "04:30",
            "breaks-1-starts": "03:00",
            "breaks-1-ends": "04:00",
        },
    )
    assert answer.status_code == 302, errors(answer)
    page = engineer.get(url(Shift, "changelist")).content.decode()
    assert "03:00-04:00, 04:00-04:30" in page
    assert "every day" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"breaks-1-starts": "02:00", "breaks-1-ends": "03:00"},
            "Tea 02:00-03:00 overlaps Meal",
        ),
        ({"breaks-1-starts": "07:00", "breaks-1-ends": "08:00"}, "is not within the shift"),
        ({"ends": "04:00"}, "Tea 04:00-04:10 is not within the shift 22:00-04:00"),
        ({"line": ""}, None),
        ({"weekdays": "8"}, None),
    ],
)
def test_a_form_that_cannot_be_says_why(engineer, own, changes, sentence):
    Line.objects.create(area=own.line.area, code="L-BESIDE", name="Beside")
    answer = save(engineer, url(Shift, "add"), **of_shift(own, **changes))
    assert answer.status_code == 200
    assert Shift.objects.count() == 0
    page = answer.content.decode()
    assert (sentence or "errornote") in page or "You do not see every line" in page


def test_a_shift_of_lines_beyond_is_read_and_not_changed(engineer, own):
    shift = Shift.objects.create(
        site=own.line.area.site, name="X", starts=time(6), ends=time(14)
    )
    Line.objects.create(area=own.line.area, code="L-BESIDE", name="Beside")
    page = url(Shift, "change", shift.pk)
    assert engineer.get(page).status_code == 200
    assert engineer.post(page, {"name": "Y"}).status_code == 403
    assert engineer.post(url(Shift, "delete", shift.pk), {"post": "yes"}).status_code == 403


def test_what_is_chosen_goes_together(root, own):
    of = {
        "site": own.line.area.site,
        "first_day": date(2026, 5, 1),
        "last_day": date(2026, 5, 1),
    }
    rows = [
        CalendarException.objects.create(kind="holiday", name=name, line=line, **of)
        for name, line in (("A", own.line), ("B", None))
    ]
    root.post(
        url(CalendarException, "changelist"),
        {
            "action": "delete_selected",
            "_selected_action": [row.pk for row in rows],
            "post": "yes",
        },
    )
    assert CalendarException.objects.count() == 0
    assert AuditEntry.objects.filter(action="calendarexception.delete").count() == 2


def test_a_shift_that_takes_the_time_of_another_is_refused_with_its_name(engineer, own, here):
    site = own.line.area.site
    Shift.objects.create(
        site=site, line=own.line, name="Night", starts=time(22), ends=time(6), weekdays="7"
    )
    monday = BODY | here | {"weekdays": "1", "starts": "05:30"}
    answer = send(engineer, "post", "shifts/", monday)
    assert answer.status_code == 400
    assert (
        f"Night 22:00-06:00 of {own.line} (Sun) has time of this shift"
        in answer.content.decode()
    )
    filled = of_shift(own, starts="05:00", ends="07:00", weekdays="1")
    filled |= {"breaks-TOTAL_FORMS": "0"}
    shown = save(engineer, url(Shift, "add"), **filled)
    assert "has time of this shift" in str(errors(shown))
    assert send(engineer, "post", "shifts/", monday | {"starts": "06:00"}).status_code == 201
    # The site's own shifts are of other lines.
    Shift.objects.create(site=site, name="Day", starts=time(0), ends=time(0))
    assert Shift.objects.count() == 3


def test_shifts_that_overlap_since_before_can_still_be_parted(engineer, own, here):
    site = own.line.area.site
    rows = [
        Shift.objects.create(site=site, line=own.line, name=name, starts=time(6), ends=time(14))
        for name in "AB"
    ]
    answer = send(
        engineer, "put", f"shifts/{rows[1].pk}/", BODY | here | {"breaks": []} | {"name": "B"}
    )
    assert answer.status_code == 400
    later = BODY | here | {"name": "B", "starts": "14:00", "ends": "22:00", "breaks": []}
    answer = send(engineer, "put", f"shifts/{rows[1].pk}/", later)
    assert answer.status_code == 200, answer.content
