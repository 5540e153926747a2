"""What people count: pieces with their defects, of the product and job of their time, and why rejects are."""

import threading
from datetime import time, timedelta

import pytest
from django.db import connection
from django.db.models import Sum

from ms5.accounts.models import AuditEntry
from ms5.accounts.roles import Role
from production.accounting import accounts
from production.actions import observe, set_context
from production.actions.correcting_counts import Adjusted, Requantified
from production.actions.corrections import correct, undo
from production.actions.entries import Entry, enter, give_defects
from production.models import Count, Counter, Defect, Job, JobRun, Shift, Tally
from production.observation import CounterReading
from production.refusals import ActionRefused, NotAllowed
from tests.factories import at, equipment, ideal_cycle, observation, product, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine():
    """A constraint that has run since T0, seen a minute long, making a loaf that takes 0.6 s."""
    found = equipment(is_constraint=True, no_data_after_s=30)
    loaf = product()
    ideal_cycle(loaf, found)
    set_context(found, actor=None, at=at(-1), product=loaf)
    for seconds in (0, 20, 40, 60):
        observe([observation(found, seconds)])
    return found


@pytest.fixture
def person():
    return user()


def defect(code="torn", **fields):
    return Defect.objects.create(**{"code": code, "name": code.title()} | fields)


def say(on, actor, seconds=60.0, *, now=None, good=0, rejects=None, **fields):
    return enter(
        on,
        good=good,
        rejects=rejects or {},
        actor=actor,
        at=at(seconds),
        now=at(seconds if now is None else now),
        **fields,
    )


def counted(on, **which):
    rows = Count.objects.filter(equipment=on, **which).order_by("pk")
    return [
        (row.kind, row.quantity, row.defect.code if row.defect else None, row.measured)
        for row in rows.select_related("defect")
    ]


def tallied(on):
    rows = Tally.objects.filter(equipment=on).values_list("kind", "product", "job", "measured")
    return {tuple(key): sum_ for *key, sum_ in rows.annotate(sum=Sum("quantity"))}


def added_up(on):
    rows = Count.objects.filter(equipment=on, quantity__gt=0).order_by()
    rows = rows.values_list("kind", "product", "job", "measured")
    return {tuple(key): sum_ for *key, sum_ in rows.annotate(sum=Sum("quantity"))}


def test_good_and_rejects_enter_as_one_action_with_product_cycle_and_author(machine, person):
    torn = defect()
    entry = say(machine, person, good=40, rejects={torn: 3, None: 2})
    assert isinstance(entry, Entry)
    assert counted(machine) == [
        ("good", 40, None, True),
        ("reject", 3, "torn", True),
        ("reject", 2, None, True),
    ]
    row = Count.objects.filter(kind="good").get()
    assert (row.by, row.decision, row.at, row.after) == (person, "counted", at(60), None)
    assert row.product == machine.context.product
    assert row.ideal_cycle.seconds.normalize().as_tuple() == (0, (6,), -1)
    assert tallied(machine) == added_up(machine)
    (audited,) = AuditEntry.objects.all()
    assert (audited.action, audited.line_id) == ("count.enter", machine.line.code)
    assert audited.after["good"] == 40
    assert audited.after["rejects"] == {"torn": 3, "": 2}


def test_what_is_entered_while_nothing_was_known_is_not_measured(machine, person):
    say(machine, person, 91, good=5)  # the last reading was at 60 and may be 30 s old
    say(machine, person, 89, now=91, good=7)
    assert counted(machine) == [("good", 5, None, False), ("good", 7, None, True)]
    unread = equipment(line=machine.line)
    say(unread, person, 60, good=1)
    assert counted(unread) == [("good", 1, None, False)]


def test_pieces_of_the_past_are_of_the_product_of_their_time(machine, person):
    first, second = machine.context.product, product()
    set_context(machine, actor=person, at=at(30), product=second)
    machine.refresh_from_db()
    for seconds in (20, 30, 31):  # what was counted at 30 was made before it
        say(machine, person, seconds, now=60, good=1)
    rows = Count.objects.filter(equipment=machine).order_by("at")
    assert [row.product for row in rows] == [first, first, second]
    assert [row.ideal_cycle is None for row in rows] == [False, False, True]


def job_on(line, began, ended=None, **fields):
    given = {"number": f"J{began}", "product": product(), "status": "running"} | fields
    job = Job.objects.create(line=line, started_at=at(began), **given)
    JobRun.objects.create(
        job=job, started_at=at(began), ended_at=None if ended is None else at(ended)
    )
    return job


def test_pieces_of_the_constraint_are_of_the_job_that_ran_and_move_it(machine, person):
    other = equipment(line=machine.line)
    before = job_on(machine.line, 0, 30, status="completed", ended_at=at(30))
    job = job_on(machine.line, 40)
    assert say(machine, person, 60, good=10, rejects={None: 2}).job == job
    assert say(machine, person, 30, now=60, good=4).job == before
    assert say(machine, person, 35, now=60, good=1).job is None
    assert say(other, person, 60, good=99).job is None
    job.refresh_from_db()
    before.refresh_from_db()
    assert (job.good, job.reject) == (10, 2)
    assert (before.good, before.reject) == (4, 0)
    assert tallied(machine) == added_up(machine)


def test_a_job_that_reaches_its_target_by_an_entry_is_over(machine, person):
    job = job_on(machine.line, 0, target=10, completes_at_target=True)
    say(machine, person, 60, good=10)
    job.refresh_from_db()
    assert (job.status, job.good) == ("completed", 10)


@pytest.mark.parametrize(
    ("counters", "entered"),
    [
        ((), [("good", 5), ("reject", 2)]),
        (("good",), [("good", 5), ("reject", 2)]),
        (("reject",), [("good", 5), ("reject", 2)]),
        (("good", "reject"), [("good", 5), ("reject", 2)]),
        (("total",), [("total", 7), ("reject", 2)]),
        (("total", "reject"), [("total", 7), ("reject", 2)]),
        (("total", "good"), [("total", 5), ("good", 5), ("total", 2)]),
        (("total", "good", "reject"), [("total", 7), ("good", 5), ("reject", 2)]),
    ],
)
def test_good_pieces_enter_as_what_the_counters_of_the_machine_count(
    machine, person, counters, entered
):
    for kind in counters:
        Counter.objects.create(equipment=machine, kind=kind, value=0, read_at=at(0))
    say(machine, person, good=5, rejects={None: 2})
    assert [row[:2] for row in counted(machine)] == entered


COUNTERS = [
    (),
    ("good",),
    ("total",),
    ("good", "reject"),
    ("total", "reject"),
    ("good", "total"),
    ("good", "reject", "total"),
]


@pytest.fixture
def counting(machine):
    """Return the machine with these counters, which have counted 1,000 good pieces and no reject for a job."""

    def with_(counters):
        job = job_on(machine.line, 0, product=machine.context.product)
        values = {"good": 1000, "total": 1000, "reject": 0}
        for seconds, part in ((10, 0), (30, 1)):
            readings = tuple(
                CounterReading(kind=kind, value=part * values[kind]) for kind in counters
            )
            observe([observation(machine, 60 + seconds, counters=readings)])
        return machine, job, 1000 if counters else 0

    return with_


def figures_of(on, job):
    """Return good, rejects and all pieces of the job, and as the OEE accounts for them."""
    job.refresh_from_db()
    made = accounts([on], at(0), at(95), at(95))[on.pk].output
    return (job.good, job.reject), (made.good, made.reject, made.total)


@pytest.mark.parametrize("counters", COUNTERS)
def test_good_pieces_and_rejects_entered_together_are_all_new(counting, person, counters):
    on, job, before = counting(counters)
    say(on, person, 95, good=100, rejects={defect(): 50})
    good = before + 100
    assert figures_of(on, job) == ((good, 50), (good, 50, good + 50))
    assert tallied(on) == added_up(on)


@pytest.mark.parametrize(
    ("counters", "good"),
    [
        ((), 0),
        (("good",), 1000),
        (("good", "reject"), 1000),
        (("total",), 950),
        (("total", "reject"), 950),
    ],
)
def test_rejects_entered_alone_are_of_the_pieces_that_a_total_has_counted(
    counting, person, counters, good
):
    on, job, _ = counting(counters)
    say(on, person, 95, rejects={defect(): 50})
    assert figures_of(on, job) == ((good, 50), (good, 50, good + 50))


def test_the_defect_of_rejects_that_counters_tell_apart_is_kept_with_the_total(
    counting, person
):
    on, _, _ = counting(("good", "total"))
    say(on, person, 95, good=100, rejects={defect(): 50})
    assert counted(on, by__isnull=False) == [
        ("total", 100, None, True),
        ("good", 100, None, True),
        ("total", 50, "torn", True),
    ]


def test_rejects_that_two_counters_tell_apart_are_not_entered_again(machine, person):
    for kind in ("total", "good"):
        Counter.objects.create(equipment=machine, kind=kind, value=0, read_at=at(0))
    with pytest.raises(ActionRefused) as refused:
        say(machine, person, rejects={None: 2})
    assert refused.value.code == "rejects_are_counted"
    say(machine, person, good=5)
    assert counted(machine) == [("total", 5, None, True), ("good", 5, None, True)]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "nothing"),
        ({"good": -1}, "nothing"),
        ({"good": 5, "rejects": {None: -1}}, "nothing"),
        ({"good": 1, "now": 59}, "in_future"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(machine, person, fields, code):
    with pytest.raises(ActionRefused) as refused:
        say(machine, person, **fields)
    assert refused.value.code == code
    assert Count.objects.count() == Tally.objects.count() == AuditEntry.objects.count() == 0


def test_a_defect_no_longer_used_is_refused(machine, person):
    with pytest.raises(ActionRefused) as refused:
        say(machine, person, rejects={defect(is_active=False): 1})
    assert refused.value.code == "not_used"


@pytest.fixture
def early(machine):
    """The shift that T0 and the minute after are of: it began two hours before."""
    return Shift.objects.create(
        site=machine.line.area.site,
        name="Early",
        weekdays="1234567",
        starts=time(8),
        ends=time(16),
    )


def test_an_earlier_shift_is_for_those_who_correct(machine, person, early):
    two_hours = 7200
    assert say(machine, person, -two_hours + 1, now=60, good=1).counts[0].measured is False
    with pytest.raises(NotAllowed):
        say(machine, person, -two_hours, now=60, good=1)
    say(machine, user(Role.SHIFT_MANAGER), -two_hours, now=60, good=2)
    assert [row[1] for row in counted(machine)] == [1, 2]


def test_between_shifts_an_operator_may_count_an_hour_back(machine, person, early):
    nine_in_the_evening = 11 * 3600
    say(machine, person, nine_in_the_evening - 3599, now=nine_in_the_evening, good=1)
    with pytest.raises(NotAllowed):
        say(machine, person, nine_in_the_evening - 3600, now=nine_in_the_evening, good=1)


def reject_counter(value):
    return (CounterReading(kind="reject", value=value),)


@pytest.fixture
def rejected(machine):
    """Rejects that a counter counted: 4 at 70 s and 6 at 80 s."""
    for seconds, value in ((65, 0), (70, 4), (80, 10)):
        observe([observation(machine, seconds, counters=reject_counter(value))])
    return machine


def give(on, defect_, quantity, actor, seconds=90.0, *, now=None, **fields):
    return give_defects(
        on,
        defect=defect_,
        quantity=quantity,
        actor=actor,
        at=at(seconds),
        now=at(seconds if now is None else now),
        **fields,
    )


def test_the_defect_of_counted_rejects_is_said_and_no_figure_changes(rejected, person):
    before = tallied(rejected)
    give(rejected, defect(), 8, person)
    assert counted(rejected, quantity__gt=0) == [
        ("reject", 2, None, True),  # of the older reading
        ("reject", 6, "torn", True),
        ("reject", 2, "torn", True),
    ]
    assert tallied(rejected) == before == added_up(rejected)
    (audited,) = AuditEntry.objects.all()
    assert audited.action == "count.defect"
    assert (audited.before, audited.after["quantity"]) == ({"defect": ""}, 8)


def test_the_parts_of_an_increment_are_of_one_reading_and_add_up_to_it(rejected, person):
    give(rejected, defect(), 2, person)
    parts = Count.objects.filter(equipment=rejected, at=at(80))
    assert sorted(part.quantity for part in parts) == [2, 4]
    assert {
        (part.value_before, part.value, part.after, part.by, part.product_id) for part in parts
    } == {(4, 10, at(70), None, rejected.context.product_id)}


def test_more_than_were_counted_are_refused_and_nothing_is_parted(rejected, person):
    with pytest.raises(ActionRefused, match=r"Only 4 such rejects were counted\.") as refused:
        give(rejected, defect(), 5, person, 75, now=90)
    assert refused.value.code == "too_many"
    assert {row[2] for row in counted(rejected)} == {None}


def test_a_defect_said_by_mistake_is_said_again(rejected, person):
    torn, burnt = defect(), defect("burnt")
    give(rejected, torn, 10, person)
    give(rejected, burnt, 3, person, instead_of=torn)
    rows = Count.objects.filter(equipment=rejected, quantity__gt=0)
    by_defect = dict(rows.order_by().values_list("defect__code").annotate(Sum("quantity")))
    assert by_defect == {"torn": 7, "burnt": 3}
    with pytest.raises(ActionRefused, match="the defect they have"):
        give(rejected, torn, 1, person, instead_of=torn)


def put_right(on, manager, quantity, to):
    row = Count.objects.filter(equipment=on, quantity=quantity).get()
    what = Requantified(count_id=row.pk, quantity=to)
    return correct(on, what, actor=manager, at=at(90), reason="recounted")


@pytest.mark.parametrize("quantity", [4, 9])
def test_a_correction_whose_rejects_were_given_a_defect_is_not_taken_back(
    rejected, person, quantity
):
    manager = user(Role.SHIFT_MANAGER)
    correction = put_right(rejected, manager, 6, 9)
    give(rejected, defect(), quantity, person)  # of a part of the nine, or of them all
    before = counted(rejected)
    with pytest.raises(ActionRefused, match="correct the count anew") as refused:
        undo(correction, actor=manager, at=at(91), reason="was right")
    assert (refused.value.code, refused.value.row) == ("defects", correction)
    assert counted(rejected) == before
    assert tallied(rejected) == added_up(rejected)


@pytest.mark.parametrize("quantity", [4, 6])
def test_nor_is_the_taking_back_of_one_whose_rejects_were(rejected, person, quantity):
    manager = user(Role.SHIFT_MANAGER)
    undone = undo(put_right(rejected, manager, 6, 9), actor=manager, at=at(91), reason="right")
    give(rejected, defect(), quantity, person)
    with pytest.raises(ActionRefused) as refused:
        undo(undone, actor=manager, at=at(92), reason="was wrong")
    assert refused.value.code == "defects"
    assert tallied(rejected) == added_up(rejected)


def test_nor_is_one_that_lies_below_a_later_one_taken_back(rejected, person):
    manager = user(Role.SHIFT_MANAGER)
    older = put_right(rejected, manager, 6, 9)
    newer = put_right(rejected, manager, 9, 8)
    undo(newer, actor=manager, at=at(91), reason="nine after all")
    give(rejected, defect(), 3, person)
    with pytest.raises(ActionRefused) as refused:
        undo(older, actor=manager, at=at(92), reason="was right")
    assert refused.value.code == "defects"


def test_defects_said_before_a_correction_do_not_stand_against_taking_it_back(rejected, person):
    manager, torn = user(Role.SHIFT_MANAGER), defect()
    give(rejected, torn, 4, person)  # of the six: two are left without, and four have it
    before, figures = counted(rejected, quantity__gt=0), tallied(rejected)
    what = Adjusted(kind="reject", pieces=-5, at=at(90))
    taken = correct(rejected, what, actor=manager, at=at(91), reason="counted twice")
    assert tallied(rejected) == added_up(rejected) != figures
    undone = undo(taken, actor=manager, at=at(92), reason="were five more")
    assert sorted(counted(rejected, quantity__gt=0), key=str) == sorted(before, key=str)
    again = undo(undone, actor=manager, at=at(93), reason="no")
    undo(again, actor=manager, at=at(94), reason="yes")
    assert sorted(counted(rejected, quantity__gt=0), key=str) == sorted(before, key=str)
    assert tallied(rejected) == added_up(rejected) == figures


def test_rejects_that_were_added_are_taken_back_until_they_have_a_defect(rejected, person):
    manager = user(Role.SHIFT_MANAGER)
    before = tallied(rejected)
    what = Adjusted(kind="reject", pieces=5, at=at(89))
    added = correct(rejected, what, actor=manager, at=at(90), reason="in the bin")
    undone = undo(added, actor=manager, at=at(91), reason="of yesterday")
    assert tallied(rejected) == before
    again = undo(undone, actor=manager, at=at(92), reason="of today")
    give(rejected, defect(), 5, person)
    with pytest.raises(ActionRefused) as refused:
        undo(again, actor=manager, at=at(93), reason="of yesterday")
    assert refused.value.code == "defects"


def test_rejects_of_another_shift_are_not_taken(rejected, person, early):
    Count.objects.filter(at=at(70)).update(at=at(-7200))
    with pytest.raises(ActionRefused, match=r"Only 6 such"):
        give(rejected, defect(), 7, person)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "connection.vendor == 'sqlite'", reason="a memory database has one writer anyway"
)
def test_two_who_say_the_defect_of_the_same_rejects_never_share_a_piece(rejected):
    torn, people = defect(), [user() for _ in range(4)]
    told = []

    def run(person):
        try:
            told.append(len(give(rejected, torn, 3, person).counts) > 0)
        except ActionRefused as refused:
            told.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timedelta(seconds=30).total_seconds())
    assert sorted(told, key=str) == [True, True, True, "too_many"]
    rows = Count.objects.filter(equipment=rejected, quantity__gt=0)
    by_defect = dict(rows.order_by().values_list("defect__code").annotate(Sum("quantity")))
    assert by_defect == {"torn": 9, None: 1}
