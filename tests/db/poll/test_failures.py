"""What fails once is done again, and what fails of one controller costs the others nothing."""

import pytest
from django.db import OperationalError

from production.models import Condition, Equipment
from telemetry import quarantine, status
from telemetry.models import ConfigurationWarning, PlcLink, Sample, Tag
from tests import factories
from tests.controllers import logix, modbus, plc, tag, ticks
from tests.db.poll.said import facts, states, statuses

pytestmark = pytest.mark.django_db(transaction=True)


def fails_once(monkeypatch, module, name):
    """The database is away when this is called for the first time; return how often it was called."""
    real, calls = getattr(module, name), []

    def act(*args, **fields):
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("the database is away")
        return real(*args, **fields)

    monkeypatch.setattr(module, name, act)
    return calls


def later(poll, count):
    """Tick so many times, long enough apart that what was edited is seen."""
    poll.links.clock.now += 2.0
    return ticks(poll, count)


def test_a_changed_program_is_told_although_the_database_was_away(
    poll, wired, server, bagger, monkeypatch
):
    ticks(poll, 2)
    server.download()
    fails_once(monkeypatch, quarantine, "begin")
    with pytest.raises(OperationalError):
        poll.tick()
    poll.links.clock.now += 1
    server.set("Good", 4321)
    ticks(poll, 3)
    assert ConfigurationWarning.objects.get().kind == "program_changed"
    assert states()[-1] == "no_data"
    assert not Sample.objects.filter(tag__name="Good", value=4321).exists()


def test_a_removed_controller_is_told_although_the_database_was_away(
    poll, wired, server, bagger, monkeypatch
):
    ticks(poll, 1)
    calls = fails_once(monkeypatch, status, "removed")
    wired.delete()
    with pytest.raises(OperationalError):
        later(poll, 1)
    poll.links.clock.now += 1
    ticks(poll, 2)
    assert len(calls) == 2
    (_, last) = facts("plc_status")[-1]
    assert (last["status"], last["left_at"] is None) == ("disabled", False)
    assert states()[-1] == "no_data"


def test_a_mark_is_written_although_its_transaction_was_undone(poll, wired, server):
    extra = tag(wired, "Extra", address="Good", data_type="int32")
    poll._look()
    extra.delete()
    poll._looked_at = poll._clock() + 100
    ticks(poll, 1)
    assert PlcLink.objects.get().program == ""
    poll._looked_at = 0
    ticks(poll, 2)
    assert PlcLink.objects.get().program == poll.links.by_plc[wired.pk].program != ""


def test_a_controller_that_cannot_be_announced_silences_no_other(poll, wired, server, bagger):
    big = factories.line(code="L-BIG")
    with logix() as other:
        row = plc(other, name="Aaa")
        for number in range(130):
            long = Equipment.objects.create(line=big, code=f"E{number:03}".ljust(64, "x"))
            tag(row, f"t{number}", address="Speed", data_type="float32", of=long, role="speed")
        with pytest.raises(ExceptionGroup) as failed:
            poll.tick()
    assert "plc_status has" in str(failed.value.exceptions)
    assert statuses() == [("L-1", "connected")]
    assert Condition.objects.get(equipment=bagger).state == "running"
    assert Sample.objects.filter(tag__name="Good").exists()


def test_samples_that_cannot_be_written_are_those_of_one_controller(
    poll, wired, server, bagger, monkeypatch
):
    keep = poll._samples.keep

    def refuse(readings, now):
        readings = list(readings)
        if any(each.plc_code == "plc2" for each, _ in readings):
            raise ValueError("a text that the database does not take")
        return keep(readings, now)

    with logix() as other:
        tag(plc(other), "Text", address="Speed", data_type="float32")
        monkeypatch.setattr(poll._samples, "keep", refuse)
        with pytest.raises(ExceptionGroup):
            poll.tick()
    assert Sample.objects.filter(tag__name="Good").exists()
    assert states() == ["running"]


def test_unknown_numbers_of_a_tag_are_one_warning_that_tells_of_the_last(poll, bagger):
    with modbus([("state", "holding", 1, "uint16")], {"state": 6}) as device:
        row = plc(device, timeout_s=5)
        fields = {"role": "state_word", "numbering": "packml_tr88"}
        tag(row, "state", address="holding:1", data_type="uint16", of=bagger, **fields)
        ticks(poll, 1)
        for number in range(100, 130):
            device.set("state", number)
            ticks(poll, 1, seconds=10.0)
        warning = ConfigurationWarning.objects.get()
        # A counter that is mapped as a state is told of at most once a minute.
        assert "state shows 124," in warning.text
        warning.settled_at = warning.since
        warning.save()
        ticks(poll, 7, seconds=10.0)
        assert "state shows 129," in ConfigurationWarning.objects.get(settled_at=None).text


def test_a_warning_that_could_not_be_written_is_told_again(poll, bagger, monkeypatch):
    fails_once(monkeypatch, quarantine, "unknown_state")
    with modbus([("state", "holding", 1, "uint16")], {"state": 99}) as device:
        row = plc(device, timeout_s=5)
        fields = {"role": "state_word", "numbering": "packml_tr88"}
        tag(row, "state", address="holding:1", data_type="uint16", of=bagger, **fields)
        with pytest.raises(OperationalError):
            poll.tick()
        poll.links.clock.now += 1
        ticks(poll, 1)
    assert ConfigurationWarning.objects.count() == 1


def test_a_mark_that_moves_by_itself_is_read_with_the_wiring_there_is(wired, server):
    rewired = []
    from telemetry.poll import Poll
    from tests.controllers import Clock

    poll = Poll(0, clock=Clock(), rewired=lambda: rewired.append(1))
    try:
        ticks(poll, 1)
        for _ in range(8):
            server.download()
            ticks(poll, 1, seconds=0.9)
    finally:
        poll.close()
    # One at the start, one for the quarantine; Tag rows did not change.
    assert len(rewired) == 2
    assert ConfigurationWarning.objects.count() == 1


def test_in_quarantine_no_tag_is_good_those_of_slow_rhythms_neither(poll, wired, server):
    Tag.objects.filter(name="Product").update(period_s=3600, phase_s=20)
    ticks(poll, 25)
    server.download()
    ticks(poll, 2)
    newest = dict(Sample.objects.order_by("pk").values_list("tag__name", "quality"))
    assert set(newest.values()) == {"bad"}, newest


def broken(equipment_ids, reason, now):
    if equipment_ids:
        raise RuntimeError("this line is broken")


@pytest.mark.parametrize("how", ["changed program", "disabled", "removed"])
def test_a_line_that_cannot_be_written_silences_no_other(poll, wired, server, monkeypatch, how):
    with logix() as beside:
        slow = tag(plc(beside), "Speed", data_type="float32")
        ticks(poll, 2)
        monkeypatch.setattr(quarantine, "lose", broken)
        monkeypatch.setattr(status, "lose", broken)
        if how == "changed program":
            server.download()
        elif how == "disabled":
            wired.enabled = False
            wired.save()
        else:
            wired.delete()
        poll.links.clock.now += 2
        for value in range(100, 108):
            beside.set("Speed", float(value))
            with pytest.raises(ExceptionGroup):
                poll.tick()
            poll.links.clock.now += 1
    assert Sample.objects.filter(tag=slow, quality="good").count() > 5


def test_a_tag_that_was_deleted_takes_no_sample_of_another_controller_along(
    poll, wired, server
):
    with logix() as beside:
        slow = tag(plc(beside), "Speed", data_type="float32", period_s=3600)
        ticks(poll, 2)
        beside.set("Speed", 55.0)
        poll.links.clock.now += 3600 - 3
        poll._looked_at = poll.links.clock.now + 100
        Tag.objects.get(name="Good").delete()
        server.set("Good", 2000)
        poll.links.clock.now += 2.0
        ticks(poll, 5)
    assert Sample.objects.filter(tag=slow, value=55.0).exists()
