"""Worker and beat, killed while the line works: no piece, no finished span is lost, and the gap is no data."""

import itertools
import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.timeout(180)

BAG, COUNTER, MODULUS = "BP01.PACK.BAG1", "Count_Blade_PEC.ACC", 1_000_000
NO_DATA_AFTER = timedelta(seconds=3)
IN_TIME_S = 60


def finished(demo):
    """Every span that has ended, by its key."""
    rows = demo.ask(
        "SELECT id, equipment_id, state, started_at, ended_at, superseded_by_id"
        " FROM production_span WHERE ended_at IS NOT NULL"
    )
    return {row[0]: row[1:] for row in rows}


def states(demo, code=BAG):
    """State, beginning and end of the spans of an equipment, in order."""
    return demo.ask(
        "SELECT state, started_at, ended_at FROM production_span JOIN production_equipment AS e"
        " ON e.id = equipment_id WHERE e.code = ? ORDER BY started_at",
        code,
    )


def readings(demo):
    """When the bagger's counter was read with another value than before, and that value."""
    rows = demo.ask(
        "SELECT source_at, value FROM telemetry_sample JOIN telemetry_tag AS t ON t.id = tag_id"
        " WHERE t.address = ? ORDER BY source_at",
        COUNTER,
    )
    return [(moment(at), int(value)) for at, value in rows]


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(demo):
    """What the counter in the controller shows now."""
    return int(float(demo.tell_plant(f"get bagger {COUNTER}")))


def runs_at_speed(demo):
    """Whether each of the last seconds brought pieces."""
    newest = [at for at, _ in readings(demo)[-4:]]
    return (
        states(demo)[-1][0] == "running"
        and len(newest) == 4
        and newest[-1] - newest[0] < NO_DATA_AFTER * 1.5
        and datetime.now(UTC) - newest[-1] < NO_DATA_AFTER / 2
    )


def test_killing_worker_and_beat_loses_no_piece_and_no_finished_span(demo):
    # A stop in the middle, so that spans have ended before.
    assert demo.tell_plant("hold bagger jam") == "ok"
    demo.watch(lambda: states(demo)[-1][0] == "faulted", IN_TIME_S)
    assert demo.tell_plant("release bagger") == "ok"
    demo.watch(lambda: runs_at_speed(demo), IN_TIME_S)

    before, pids = finished(demo), demo.pids()
    assert {state for _, state, *_ in before.values()} >= {"running", "faulted"}
    killed_at = datetime.now(UTC)
    os.kill(pids["worker"], signal.SIGKILL)
    os.kill(pids["beat"], signal.SIGKILL)
    # Once more when it has hardly begun: then nothing is read for longer than a state is believed.
    demo.watch(lambda: demo.pids()["beat"] != pids["beat"], IN_TIME_S)
    os.kill(demo.pids()["beat"], signal.SIGKILL)
    back = demo.pids()["beat"]
    demo.watch(lambda: demo.pids()["beat"] != back, IN_TIME_S)
    again_at = datetime.now(UTC)
    demo.watch(lambda: demo.works(since=again_at) and runs_at_speed(demo), IN_TIME_S)

    # The line stands still, so that what was counted can be compared with what the controller shows.
    assert demo.tell_plant("hold bagger jam") == "ok"
    demo.watch(lambda: states(demo)[-1][0] == "faulted", IN_TIME_S)
    demo.watch(lambda: readings(demo)[-1][1] == shown(demo), IN_TIME_S)

    after = finished(demo)
    assert {key: after[key] for key in before} == before

    read = readings(demo)
    ((last_before, counted_before), (first_after, counted_after)), *others = [
        (one, other)
        for one, other in itertools.pairwise(read)
        if other[0] - one[0] > NO_DATA_AFTER and other[0] > killed_at
    ]
    assert others == []
    stays = [
        (state, moment(began), ended and moment(ended)) for state, began, ended in states(demo)
    ]
    assert [stay for stay in stays if stay[0] == "no_data" and stay[1] > killed_at - NO_DATA_AFTER] == [
        ("no_data", last_before, first_after)
    ]  # fmt: skip
    assert [ended for _, _, ended in stays[:-1]] == [began for _, began, _ in stays[1:]]

    counted = demo.ask(
        "SELECT quantity, measured, after, at FROM production_count JOIN production_equipment AS e"
        " ON e.id = equipment_id WHERE e.code = ? AND kind = 'total'",
        BAG,
    )
    assert sum(quantity for quantity, *_ in counted) == (shown(demo) - read[0][1]) % MODULUS
    assert [
        (quantity, moment(since), moment(at))
        for quantity, measured, since, at in counted
        if not measured and moment(at) > killed_at
    ] == [((counted_after - counted_before) % MODULUS, last_before, first_after)]
