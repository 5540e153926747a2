"""Snapshot, act, fold the facts: what comes out is the new snapshot, whatever people and the sweep do."""

import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from andon import snapshot
from andon.actions import calls, shelving
from andon.choices import Category, Priority
from andon.models import AndonCall
from andon.sweep import sweep_at
from ms5.events.models import Event
from production.refusals import ActionRefused
from realtime.snapshot import picture_of
from tests.db.andon.test_calls import Floor
from tests.factories import at
from tests.fold import as_set, fold

DEEDS = ("raise", "acknowledge", "arrive", "resolve", "cancel", "shelve", "unshelve", "sweep")


def items(line):
    return json.loads(msgspec.json.encode(snapshot.items(line)))


def since(seq):
    rows = Event.objects.filter(type__in=("andon_event", "escalation_update"), seq__gt=seq)
    return [json.loads(row.text) for row in rows.order_by("seq")]


def do(floor, deed, which, seconds):
    """Do one deed; what is refused changes nothing."""
    now, who = at(seconds), floor.boss
    if deed == "sweep":
        sweep_at(now)
        return
    if deed == "raise":
        category, priority = (
            Category.values[which % 5],
            Priority.values[which % 4],
        )
        calls.raise_call(floor.line, category=category, priority=priority, actor=who, at=now)
        return
    rows = list(AndonCall.objects.order_by("pk"))
    if not rows:
        return
    call = rows[which % len(rows)]
    more = {"text": "because"} if deed in {"resolve", "shelve"} else {}
    if deed == "shelve":
        more["until"] = now + timedelta(minutes=20)
    act = getattr(shelving if "shelve" in deed else calls, deed)
    try:
        act(call, actor=who, at=now, **more)
    except ActionRefused:
        return


class TestFolding(TestCase):
    """Every course of deeds, with the sweep between them."""

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(
            st.tuples(st.sampled_from(DEEDS), st.integers(0, 5), st.integers(0, 1_500)),
            min_size=3,
            max_size=14,
        )
    )
    def test_the_facts_since_a_snapshot_fold_into_the_next(self, course):
        floor = Floor()
        now, before, seq = 0, items(floor.line), 0
        for deed, which, later in course:
            now += later
            do(floor, deed, which, now)
            after = items(floor.line)
            assert as_set(fold(before, since(seq))) == as_set(after)
            before, seq = (
                after,
                Event.objects.order_by("-seq").values_list("seq", flat=True).first() or 0,
            )


@pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)
def test_the_picture_that_sockets_are_sent_has_the_calls_with_those_who_hear_them():
    floor = Floor()
    call = floor.raised()
    sweep_at(at(0))
    by_type = {each.item.type: each for each in picture_of(floor.line.code).subjects}
    code = floor.line.code
    assert {"andon.all", f"andon.{code}", f"line.{code}"} <= set(by_type["andon_event"].groups)
    climb = by_type["escalation_update"]
    named = {f"user.{pk}" for pk in climb.item.data.recipient_ids}
    assert named
    assert {
        "escalation.all",
        "escalation.priority.high",
        f"escalation.escalation.{call.escalation.pk}",
    } | named <= set(climb.groups)
    assert (climb.item.data.andon_id, climb.item.data.level) == (call.pk, 1)
