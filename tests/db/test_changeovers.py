"""A changeover begins with a person, a product, a job or a bit, and ends with good pieces in a row at rate."""

import json

import msgspec
import pytest

from ms5.accounts.models import AuditEntry
from ms5.events.models import Event
from production import processors
from production.actions import changeovers, observe, set_context
from production.models import (
    Changeover,
    ChangeoverTarget,
    Job,
    Product,
    Settlement,
    StepPlan,
    TimeTally,
)
from production.observation import CounterReading
from production.refusals import ActionRefused
from production.snapshot import items
from tests import factories
from tests.factories import at, equipment, good_count, observation, product, user
from tests.fold import as_set, fold

pytestmark = pytest.mark.django_db


class Floor:
    """A line whose constraint names its product, and counts good pieces and rejects."""

    def __init__(self, *, needed=5, **fields):
        self.line = factories.line(changeover_good_needed=needed)
        self.machine = equipment(line=self.line, is_constraint=True, **fields)
        self.loaf, self.roll, self.bun = product(), product(), product()
        self.good = self.reject = 0

    def seen(self, seconds, of, *, good=0, reject=0, state="running", **fields):
        """Return what is read then: so many pieces more, and the number of the product."""
        self.good += good
        self.reject += reject
        number = of.plc_number if isinstance(of, Product) else of
        counters = (
            good_count(self.good),
            CounterReading(kind="reject", value=self.reject),
        )
        return observation(
            self.machine, seconds, state, counters=counters, product_number=number, **fields
        )

    def observe(self, *args, **fields):
        observe([self.seen(*args, **fields)])

    @property
    def told(self):
        """Return (type, status, to product, when), oldest first."""
        rows = Event.objects.filter(line_id=self.line.code, type__startswith="changeover")
        facts = [json.loads(row.text) for row in rows.order_by("pk")]
        return [
            (
                fact["type"].removeprefix("changeover_"),
                fact["data"]["to_product_code"],
                fact["timestamp"][11:19],
            )
            for fact in facts
        ]


@pytest.fixture
def floor():
    return Floor()


def the_changeover():
    return Changeover.objects.get()


class TestTheProductTag:
    def test_another_product_on_the_constraint_begins_one(self, floor):
        floor.observe(0, floor.loaf)
        floor.observe(1, floor.roll)
        changeover = the_changeover()
        assert (changeover.from_product, changeover.to_product) == (floor.loaf, floor.roll)
        assert (changeover.status, changeover.started_with) == ("running", "product")
        assert (changeover.started_at, changeover.started_by) == (at(1), None)
        assert floor.told == [("started", floor.roll.code, "10:00:01")]

    def test_the_first_product_ever_seen_is_a_set_up_and_no_changeover(self, floor):
        floor.observe(0, None)
        floor.observe(1, floor.loaf)
        assert Changeover.objects.count() == 0

    def test_after_a_number_nobody_knows_it_is_from_the_last_product_known(self, floor):
        for second, of in enumerate([floor.loaf, 9999, floor.roll]):
            floor.observe(second, of)
        changeover = the_changeover()
        assert (changeover.from_product, changeover.started_at) == (floor.loaf, at(2))

    def test_back_to_the_same_product_after_such_a_number_is_none(self, floor):
        for second, of in enumerate([floor.loaf, 9999, floor.loaf]):
            floor.observe(second, of)
        assert Changeover.objects.count() == 0

    def test_the_old_number_coming_back_does_not_undo_what_a_person_began(self, floor):
        floor.observe(0, floor.loaf)
        changeovers.start(floor.line, floor.roll, actor=user(), at=at(1))
        for second, of in enumerate([floor.loaf, 9999, floor.loaf], start=2):
            floor.observe(second, of)
        assert the_changeover().to_product == floor.roll

    def test_the_first_product_of_all_turns_one_that_a_person_began(self, floor):
        changeovers.start(floor.line, floor.roll, actor=user(), at=at(-1))
        floor.observe(0, floor.bun)
        changeover = the_changeover()
        assert (changeover.from_product, changeover.to_product) == (None, floor.bun)

    def test_the_product_of_a_machine_that_is_not_the_constraint_begins_none(self, floor):
        other = equipment(line=floor.line)
        for second, of in enumerate([floor.loaf, floor.roll]):
            observe([observation(other, second, product_number=of.plc_number)])
        assert Changeover.objects.count() == 0

    def test_a_third_product_turns_the_running_one_and_says_so(self, floor):
        for second, of in enumerate([floor.loaf, floor.roll, floor.bun]):
            floor.observe(second, of, good=1)
        changeover = the_changeover()
        assert (changeover.from_product, changeover.to_product) == (floor.loaf, floor.bun)
        assert (changeover.started_at, changeover.good_in_a_row) == (at(1), 0)
        assert floor.told == [
            ("started", floor.roll.code, "10:00:01"),
            ("started", floor.bun.code, "10:00:02"),
        ]

    def test_the_product_that_turns_back_calls_it_off(self, floor):
        for second, of in enumerate([floor.loaf, floor.roll, floor.loaf]):
            floor.observe(second, of, good=1)
        changeover = the_changeover()
        assert (changeover.status, changeover.ended_at) == ("cancelled", at(2))
        assert (changeover.from_product, changeover.to_product) == (floor.loaf, floor.roll)
        assert changeover.note == f"called off: the controller names {floor.loaf} again"
        assert floor.told[1:] == [("completed", floor.roll.code, "10:00:02")]
        observe([floor.seen(second, floor.loaf, good=5) for second in range(3, 9)])
        assert the_changeover().status == "cancelled"

    def test_one_that_was_turned_goes_back_to_where_it_began_all_the_same(self, floor):
        for second, of in enumerate([floor.loaf, floor.roll, floor.bun, floor.loaf]):
            floor.observe(second, of)
        assert (the_changeover().status, the_changeover().to_product) == (
            "cancelled",
            floor.bun,
        )


class TestTheEnd:
    @pytest.fixture(autouse=True)
    def begun(self, floor):
        """It changes to rolls, one every 0.6 s ideally: half of that rate is 50 a minute."""
        factories.ideal_cycle(floor.roll, floor.machine)
        floor.observe(0, floor.loaf)
        floor.observe(1, floor.roll, good=3)

    def test_the_fifth_good_piece_in_a_row_ends_it_at_its_reading(self, floor):
        floor.observe(2, floor.roll, good=2)
        floor.observe(3, floor.roll, good=2)
        assert (the_changeover().status, the_changeover().good_in_a_row) == ("running", 4)
        floor.observe(4, floor.roll, good=1)
        changeover = the_changeover()
        assert (changeover.status, changeover.ended_at) == ("completed", at(4))
        assert (changeover.ended_by, changeover.good_in_a_row) == (None, 5)
        assert floor.told[1:] == [("completed", floor.roll.code, "10:00:04")]

    def test_in_a_batch_it_ends_at_the_same_reading(self, floor):
        observe([floor.seen(second, floor.roll, good=1) for second in range(2, 40)])
        assert the_changeover().ended_at == at(6)
        assert floor.told[1:] == [("completed", floor.roll.code, "10:00:06")]

    def test_a_whole_changeover_in_one_batch_ends_too(self, floor):
        floor.observe(2, floor.roll, good=5)
        observe(
            [
                floor.seen(10, floor.bun, good=1),
                floor.seen(11, floor.bun, good=5),
                floor.seen(12, floor.loaf, good=1),
            ]
        )
        rows = Changeover.objects.order_by("started_at")
        told = [(row.to_product, row.started_at, row.ended_at) for row in rows]
        assert told == [
            (floor.roll, at(1), at(2)),
            (floor.bun, at(10), at(11)),
            (floor.loaf, at(12), None),
        ]

    def test_pieces_of_the_old_product_do_not_count(self, floor):
        assert the_changeover().good_in_a_row == 0

    def test_a_reject_begins_the_row_anew(self, floor):
        floor.observe(2, floor.roll, good=4)
        floor.observe(3, floor.roll, good=1, reject=1)
        floor.observe(4, floor.roll, good=4)
        assert (the_changeover().status, the_changeover().good_in_a_row) == ("running", 4)

    @pytest.mark.parametrize("state", ["stopped", "starved", "setup", "faulted"])
    def test_a_stop_of_the_constraint_begins_it_anew(self, floor, state):
        floor.observe(2, floor.roll, good=4)
        floor.observe(3, floor.roll, state=state)
        floor.observe(4, floor.roll, good=4)
        assert (the_changeover().status, the_changeover().good_in_a_row) == ("running", 4)

    def test_the_piece_of_the_reading_that_shows_the_stop_was_made_before_it(self, floor):
        floor.observe(2, floor.roll, good=4)
        floor.observe(3, floor.roll, good=1, state="stopped")
        assert the_changeover().ended_at == at(3)

    def test_a_speed_below_half_of_the_ideal_rate_begins_it_anew(self, floor):
        floor.observe(2, floor.roll, good=4, speed=90.0)
        floor.observe(3, floor.roll, good=4, speed=49.9)
        assert the_changeover().good_in_a_row == 0
        floor.observe(4, floor.roll, good=4, speed=50.0)
        assert the_changeover().good_in_a_row == 4

    def test_without_a_speed_the_time_since_the_last_piece_is_the_rate(self, floor):
        floor.observe(2, floor.roll, good=4)
        # Nothing in between: one piece in 2.5 s is 24 a minute.
        floor.observe(3, floor.roll)
        floor.observe(4.5, floor.roll, good=1)
        assert the_changeover().good_in_a_row == 0

    def test_what_came_in_one_batch_is_as_fast_as_in_two(self, floor):
        observe(
            [
                floor.seen(2, floor.roll, good=4),
                floor.seen(3, floor.roll),
                floor.seen(4.5, floor.roll, good=1),
            ]
        )
        assert (the_changeover().status, the_changeover().good_in_a_row) == ("running", 0)

    def test_the_first_piece_after_a_stop_is_timed_from_when_it_ran_again(self, floor):
        floor.observe(2, floor.roll, state="stopped")
        for second in range(3, 60):
            floor.observe(second, floor.roll, state="stopped")
        floor.observe(60, floor.roll)
        floor.observe(61, floor.roll, good=2)
        assert the_changeover().good_in_a_row == 2

    def test_pieces_that_a_gap_hides_begin_it_anew(self, floor):
        floor.observe(2, floor.roll, good=4)
        floor.observe(30, floor.roll, good=40)
        assert (the_changeover().status, the_changeover().good_in_a_row) == ("running", 0)

    def test_a_row_does_not_reach_across_a_gap_in_which_nothing_was_made(self, floor):
        floor.observe(2, floor.roll, good=4)
        floor.observe(30, floor.roll)
        floor.observe(31, floor.roll, good=1)
        assert (the_changeover().status, the_changeover().good_in_a_row) == ("running", 1)

    def test_without_an_ideal_cycle_any_rate_is_one(self, floor):
        floor.observe(2, floor.bun)
        for second in range(3, 23):
            floor.observe(second, floor.bun, good=second % 4 == 0, speed=1.0)
        assert the_changeover().ended_at == at(20)


class TestTheBit:
    def observe(self, floor, seconds, *, is_on, of=None, **fields):
        floor.observe(seconds, of or floor.loaf, changeover=is_on, **fields)

    def test_it_comes_on_and_one_begins_to_the_product_of_the_next_job(self, floor):
        Job.objects.create(line=floor.line, number="J1", product=floor.bun, position=1)
        self.observe(floor, 0, is_on=False)
        self.observe(floor, 1, is_on=True)
        changeover = the_changeover()
        assert (changeover.from_product, changeover.to_product) == (floor.loaf, floor.bun)
        assert (changeover.started_with, changeover.started_at) == ("bit", at(1))

    def test_without_a_next_job_the_product_number_says_later_to_what(self, floor):
        self.observe(floor, 0, is_on=False)
        self.observe(floor, 1, is_on=True)
        # The last loaves, which do not end it.
        self.observe(floor, 2, is_on=True, good=20)
        assert (the_changeover().to_product, the_changeover().status) == (floor.loaf, "running")
        self.observe(floor, 3, is_on=True, of=floor.roll)
        assert the_changeover().to_product == floor.roll
        self.observe(floor, 4, is_on=True, of=floor.roll, good=5)
        assert the_changeover().ended_at == at(4)

    def test_a_bit_that_stays_on_begins_no_second_one(self, floor):
        self.observe(floor, 0, is_on=False)
        self.observe(floor, 1, is_on=True)
        self.observe(floor, 2, is_on=True, of=floor.roll)
        for second in range(3, 20):
            self.observe(floor, second, is_on=True, of=floor.roll, good=5)
        assert the_changeover().ended_at == at(3)
        self.observe(floor, 20, is_on=False, of=floor.roll)
        self.observe(floor, 21, is_on=True, of=floor.roll)
        assert Changeover.objects.count() == 2

    def test_a_bit_that_is_on_when_it_is_first_read_has_not_come_on(self, floor):
        self.observe(floor, 0, is_on=True)
        assert Changeover.objects.count() == 0

    def test_it_joins_the_one_that_runs(self, floor):
        self.observe(floor, 0, is_on=False)
        self.observe(floor, 1, is_on=False, of=floor.roll)
        self.observe(floor, 2, is_on=True, of=floor.roll)
        assert the_changeover().started_with == "product"
        assert len(floor.told) == 1


class TestPeople:
    @pytest.fixture
    def person(self):
        return user()

    @pytest.fixture(autouse=True)
    def set_up(self, floor):
        floor.observe(0, floor.loaf)

    def test_a_person_begins_one_from_what_the_line_is_set_to(self, floor, person):
        changeovers.start(floor.line, floor.roll, actor=person, at=at(5), note="early")
        changeover = the_changeover()
        assert (changeover.from_product, changeover.to_product) == (floor.loaf, floor.roll)
        assert (changeover.started_with, changeover.started_by) == ("person", person)
        assert (changeover.note, changeover.version) == ("early", 1)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.line_id) == ("changeover.start", floor.line.code)

    def test_asked_twice_it_is_one_and_the_tag_joins_it(self, floor, person):
        first = changeovers.start(floor.line, floor.roll, actor=person, at=at(5))
        again = changeovers.start(floor.line, floor.roll, actor=person, at=at(6))
        floor.observe(7, floor.roll)
        assert first.pk == again.pk == the_changeover().pk
        assert (the_changeover().started_at, the_changeover().version) == (at(5), 1)
        assert len(floor.told) == AuditEntry.objects.count() == 1

    def test_a_person_turns_the_running_one_to_another_product(self, floor, person):
        changeovers.start(floor.line, floor.roll, actor=person, at=at(5))
        changeovers.start(floor.line, floor.bun, actor=person, at=at(6))
        assert the_changeover().to_product == floor.bun
        assert AuditEntry.objects.first().before.keys() >= {"to_product_id"}
        assert [to for _, to, _ in floor.told] == [floor.roll.code, floor.bun.code]

    def test_a_person_who_goes_back_calls_it_off(self, floor, person):
        first = changeovers.start(floor.line, floor.roll, actor=person, at=at(5))
        back = changeovers.start(floor.line, floor.loaf, actor=person, at=at(9))
        assert back.pk == first.pk == the_changeover().pk
        assert (back.status, back.ended_at, back.ended_by) == ("cancelled", at(9), person)
        assert back.note == f"called off: it goes back to {floor.loaf}"
        deeds = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
        assert list(deeds) == ["changeover.start", "changeover.cancel"]

    def test_where_the_line_has_turned_already_the_way_back_is_one_of_its_own(
        self, floor, person
    ):
        first = changeovers.start(floor.line, floor.roll, actor=person, at=at(5))
        floor.observe(6, floor.roll)
        back = changeovers.start(floor.line, floor.loaf, actor=person, at=at(9))
        first.refresh_from_db()
        assert (first.status, first.to_product) == ("cancelled", floor.roll)
        assert (back.status, back.from_product, back.to_product, back.started_at) == (
            "running",
            floor.roll,
            floor.loaf,
            at(9),
        )

    def test_a_person_ends_it_once(self, floor, person):
        changeover = changeovers.start(floor.line, floor.roll, actor=person, at=at(5))
        for second in (65, 99):
            changeovers.complete(changeover, actor=person, at=at(second), note="done")
        row = the_changeover()
        assert (row.status, row.ended_at, row.ended_by) == ("completed", at(65), person)
        assert floor.told[1:] == [("completed", floor.roll.code, "10:01:05")]

    def test_one_that_is_called_off_is_not_completed_any_more(self, floor, person):
        changeover = changeovers.start(floor.line, floor.roll, actor=person, at=at(5))
        changeovers.cancel(changeover, actor=person, at=at(9), note="wrong line")
        with pytest.raises(ActionRefused, match="cancelled already") as refused:
            changeovers.complete(changeover, actor=person, at=at(10))
        assert (refused.value.code, refused.value.row) == ("over", changeover)
        assert (the_changeover().status, the_changeover().note) == ("cancelled", "wrong line")

    def test_it_does_not_end_before_it_began_nor_by_an_old_view_of_it(self, floor, person):
        changeover = changeovers.start(floor.line, floor.roll, actor=person, at=at(5))
        with pytest.raises(ActionRefused, match="before it began"):
            changeovers.complete(changeover, actor=person, at=at(4))
        with pytest.raises(ActionRefused, match="meanwhile"):
            changeovers.complete(changeover, actor=person, at=at(6), version=7)
        assert the_changeover().status == "running"

    def test_none_begins_within_another_that_is_over(self, floor, person):
        changeover = changeovers.start(floor.line, floor.roll, actor=person, at=at(5))
        changeovers.complete(changeover, actor=person, at=at(60))
        with pytest.raises(ActionRefused, match="was not over") as refused:
            changeovers.start(floor.line, floor.bun, actor=person, at=at(59))
        assert refused.value.row == changeover
        changeovers.start(floor.line, floor.bun, actor=person, at=at(60))
        assert Changeover.objects.count() == 2

    def test_a_reading_older_than_the_end_of_one_begins_the_next_at_that_end(
        self, floor, person
    ):
        changeover = changeovers.start(floor.line, floor.roll, actor=person, at=at(5))
        changeovers.complete(changeover, actor=person, at=at(60))
        floor.observe(30, floor.bun)
        later = Changeover.objects.get(status="running")
        assert (later.to_product, later.started_at) == (floor.bun, at(60))

    def test_a_job_of_another_line_is_refused(self, floor, person):
        job = Job.objects.create(line=factories.line(), number="J", product=floor.roll)
        with pytest.raises(ActionRefused, match="is not one of"):
            changeovers.start(floor.line, floor.roll, actor=person, at=at(5), job=job)


class TestJobs:
    def job(self, floor, of, number="J1"):
        return Job.objects.create(line=floor.line, number=number, product=of)

    def test_a_job_of_another_product_begins_one(self, floor):
        floor.observe(0, floor.loaf)
        job = self.job(floor, floor.roll)
        changeovers.begin_for_job(job, at(5))
        assert (the_changeover().job, the_changeover().started_with) == (job, "job")
        assert the_changeover().from_product == floor.loaf

    def test_that_the_context_is_the_jobs_already_does_not_matter(self, floor):
        floor.observe(0, floor.loaf)
        job = self.job(floor, floor.roll)
        set_context(floor.machine, actor=None, at=at(5), product=floor.roll)
        changeovers.begin_for_job(job, at(5))
        assert the_changeover().from_product == floor.loaf

    def test_a_job_of_the_same_product_and_the_first_of_all_begin_none(self, floor):
        assert changeovers.begin_for_job(self.job(floor, floor.roll), at(0)) is None
        floor.observe(1, floor.loaf)
        assert changeovers.begin_for_job(self.job(floor, floor.loaf, "J2"), at(5)) is None
        assert Changeover.objects.count() == 0

    def test_a_job_joins_the_changeover_to_its_product(self, floor):
        floor.observe(0, floor.loaf)
        floor.observe(1, floor.roll)
        job = self.job(floor, floor.roll)
        for _ in range(2):
            changeovers.begin_for_job(job, at(5))
        assert (the_changeover().job, the_changeover().started_with) == (job, "product")
        assert len(floor.told) == 2

    def test_the_next_job_for_the_old_product_calls_it_off_and_begins_none(self, floor):
        floor.observe(0, floor.loaf)
        changeovers.begin_for_job(self.job(floor, floor.roll), at(5))
        back = self.job(floor, floor.loaf, "J2")
        assert [changeovers.begin_for_job(back, at(9)) for _ in range(2)] == [None, None]
        row = the_changeover()
        assert (row.status, row.to_product, row.ended_at) == ("cancelled", floor.roll, at(9))
        assert row.note == f"called off: the next job is for {floor.loaf}"

    def test_the_next_job_for_a_third_product_calls_it_off_and_begins_its_own(self, floor):
        floor.observe(0, floor.loaf)
        changeovers.begin_for_job(self.job(floor, floor.roll), at(5))
        job = self.job(floor, floor.bun, "J2")
        for _ in range(2):
            changeovers.begin_for_job(job, at(9))
        first, second = Changeover.objects.order_by("pk")
        assert (first.status, first.to_product) == ("cancelled", floor.roll)
        assert (second.status, second.job, second.started_at) == ("running", job, at(9))
        assert (second.from_product, second.to_product) == (floor.loaf, floor.bun)

    def test_where_the_line_has_turned_already_a_job_back_begins_the_way_back(self, floor):
        floor.observe(0, floor.loaf)
        changeovers.begin_for_job(self.job(floor, floor.roll), at(5))
        floor.observe(6, floor.roll)
        changeovers.begin_for_job(self.job(floor, floor.loaf, "J2"), at(9))
        ways = Changeover.objects.order_by("pk").values_list(
            "from_product", "to_product", "status"
        )
        assert list(ways) == [
            (floor.loaf.pk, floor.roll.pk, "cancelled"),
            (floor.roll.pk, floor.loaf.pk, "running"),
        ]


class TestTargets:
    @pytest.fixture
    def target(self, floor):
        target = ChangeoverTarget.objects.create(
            line=floor.line, from_product=floor.loaf, to_product=floor.roll, minutes=1
        )
        for position, name in enumerate(["Empty", "Blades", "First piece"]):
            StepPlan.objects.create(
                target=target, position=position, name=name, minutes="0.5", kind="internal"
            )
        ChangeoverTarget.objects.create(minutes=30)
        return target

    @pytest.fixture
    def changeover(self, floor, target):
        floor.observe(0, floor.loaf)
        floor.observe(1, floor.roll)
        return the_changeover()

    def test_the_most_particular_one_holds_with_its_steps(self, changeover):
        assert changeover.target_s == 60.0
        steps = [(step.name, step.kind, step.target_s) for step in changeover.steps.all()]
        assert steps == [
            (name, "internal", 30.0) for name in ("Empty", "Blades", "First piece")
        ]

    def test_being_over_it_is_said_once_at_its_moment(self, floor, changeover):
        assert [processors.changeover(at(second)) for second in (30, 61, 62, 63)] == [
            0,
            0,
            1,
            0,
        ]
        assert the_changeover().over_target_at == at(61)
        assert floor.told == [
            ("started", floor.roll.code, "10:00:01"),
            ("started", floor.roll.code, "10:01:01"),
        ]

    @pytest.mark.parametrize(("ends", "expected"), [(61, None), (62, at(61))])
    def test_one_that_ends_before_the_tick_knows_it_all_the_same(
        self, changeover, ends, expected
    ):
        changeovers.complete(changeover, actor=user(), at=at(ends))
        assert the_changeover().over_target_at == expected

    def test_an_end_that_was_before_the_target_takes_it_back(self, changeover):
        processors.changeover(at(100))
        changeovers.complete(changeover, actor=user(), at=at(50))
        assert the_changeover().over_target_at is None

    def test_one_without_a_target_is_never_over_it(self, floor):
        floor.observe(0, floor.loaf)
        floor.observe(1, floor.roll)
        assert processors.changeover(at(100_000)) == 0

    def test_a_line_that_fails_does_not_stop_the_others(self, floor, changeover, caplog):
        broken = Floor()
        broken.observe(0, broken.loaf)
        broken.observe(1, broken.roll)
        # As if edited past all forms: a length that reaches beyond the calendar.
        Changeover.objects.filter(line=broken.line).update(target_s=1e15)
        with pytest.raises(ExceptionGroup, match="not every line was done"):
            processors.changeover(at(100))
        changeover.refresh_from_db()
        assert changeover.over_target_at == at(61)
        assert [record.line for record in caplog.records] == [broken.line.code]

    def test_steps_take_their_own_times(self, floor, changeover):
        person = user()
        first, second, _ = changeover.steps.all()
        for seconds in (10, 11):
            changeovers.start_step(first, actor=person, at=at(seconds))
        for seconds in (20, 21):
            changeovers.end_step(first, actor=person, at=at(seconds))
        with pytest.raises(ActionRefused, match="has not begun"):
            changeovers.end_step(second, actor=person, at=at(25))
        first.refresh_from_db()
        assert (first.started_at, first.ended_at) == (at(10), at(20))
        assert len(floor.told) == 3
        assert AuditEntry.objects.filter(action="changeoverstep.change").count() == 2
        assert the_changeover().version == 3

    def test_a_step_that_is_under_way_ends_with_its_changeover(self, changeover):
        first, second, _ = changeover.steps.all()
        changeovers.start_step(first, actor=user(), at=at(10))
        changeovers.complete(changeover, actor=user(), at=at(30))
        assert [step.ended_at for step in changeover.steps.all()] == [at(30), None, None]
        with pytest.raises(ActionRefused, match="already"):
            changeovers.start_step(second, actor=user(), at=at(31))

    def test_turned_to_another_product_it_keeps_the_steps_that_have_begun(
        self, floor, changeover
    ):
        other = ChangeoverTarget.objects.create(
            to_product=floor.bun, line=floor.line, minutes=3
        )
        for position, name in enumerate(["Empty", "Trays"]):
            StepPlan.objects.create(target=other, position=position, name=name)
        processors.changeover(at(70))
        changeovers.start_step(changeover.steps.first(), actor=user(), at=at(71))
        floor.observe(75, floor.bun)
        row = the_changeover()
        assert (row.target_s, row.over_target_at) == (180.0, None)
        assert [(step.name, step.started_at) for step in row.steps.all()] == [
            ("Empty", at(71)),
            ("Trays", None),
        ]


def test_the_facts_folded_are_the_snapshot_after_every_step(floor):
    person = user()
    target = ChangeoverTarget.objects.create(to_product=floor.roll, minutes=1)
    StepPlan.objects.create(target=target, name="Blades")

    def snapshot():
        told = [json.loads(msgspec.json.encode(item)) for item in items(floor.line)]
        return [item for item in told if item["type"].startswith("changeover")]

    def newest():
        return Changeover.objects.latest("pk")

    job = Job.objects.create(line=floor.line, number="J", product=floor.bun)

    steps = [
        lambda: floor.observe(0, floor.loaf),
        lambda: floor.observe(1, floor.roll, good=1),
        lambda: floor.observe(2, floor.roll, good=2),
        lambda: changeovers.start_step(newest().steps.get(), actor=person, at=at(3)),
        lambda: processors.changeover(at(90)),
        lambda: floor.observe(91, floor.bun),
        lambda: changeovers.begin_for_job(job, at(92)),
        lambda: observe([floor.seen(93 + each, floor.bun, good=1) for each in range(9)]),
        lambda: changeovers.start(floor.line, floor.loaf, actor=person, at=at(105)),
        lambda: changeovers.cancel(newest(), actor=person, at=at(106), note="no"),
    ]
    known, position = snapshot(), 0
    for step in steps:
        step()
        events = Event.objects.filter(pk__gt=position, type__startswith="changeover")
        events = events.order_by("pk")
        position = max([position, *events.values_list("pk", flat=True)])
        known = fold(known, [json.loads(event.text) for event in events])
        assert as_set(known) == as_set(snapshot())
    ends = Changeover.objects.order_by("pk").values_list("status", "ended_at")
    assert list(ends) == [("completed", at(97)), ("cancelled", at(106))]


def test_the_time_of_the_whole_line_is_accounted_anew_from_where_it_began(floor):
    machines = [floor.machine, equipment(line=floor.line)]
    quarters = [at(-900 * number) for number in (4, 3, 2, 1)]

    def settle():
        TimeTally.objects.all().delete()
        Settlement.objects.all().delete()
        for machine in machines:
            Settlement.objects.create(equipment=machine, until=at(0))
            for quarter in quarters:
                TimeTally.objects.create(equipment=machine, started_at=quarter)

    def settled():
        return sorted(TimeTally.objects.values_list("equipment", "started_at"))

    left = [(machine.pk, quarter) for machine in machines for quarter in quarters[:2]]
    person = user()
    floor.observe(-3000, floor.loaf)
    settle()
    # In the third of the four quarters.
    changeover = changeovers.start(floor.line, floor.roll, actor=person, at=at(-1000))
    assert settled() == left
    settle()
    changeovers.cancel(changeover, actor=person, at=at(6))
    assert settled() == left
    assert set(Settlement.objects.values_list("until", flat=True)) == {quarters[2]}
