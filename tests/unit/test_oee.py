"""The time account and OEE: published figures, and what must hold of any timeline."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from production import oee, ratios
from production.oee import (
    Account,
    Bucket,
    Cause,
    Leaf,
    Output,
    Plan,
    Seen,
    Timeline,
    classify,
    seconds,
    time_of,
)
from production.ratios import figures
from production.stops import NO_DATA, RUNNING, stops
from production.timeline import Stretch

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MINUTE, SECOND, MICROSECOND = (
    timedelta(minutes=1),
    timedelta(seconds=1),
    timedelta(microseconds=1),
)
RATIOS = ("availability", "performance", "quality", "oee")


def at(minutes):
    return T0 + minutes * MINUTE


def stretch(what, began, ended):
    return Stretch(what, at(began), at(ended))


def account(output=None, **minutes):
    """Return an account of these buckets, in minutes."""
    return Account(
        {Bucket(name): float(length) * MINUTE for name, length in minutes.items()},
        output or Output(),
    )


def made(good, total, cycle="1"):
    """Return what was made of one product with this ideal cycle, in seconds."""
    return Output(good, total, good * Decimal(cycle), total * Decimal(cycle))


def shown(found):
    """Return A, P, Q and OEE to six decimals."""
    ratios = (getattr(found, name) for name in RATIOS)
    return tuple(None if each is None else f"{each:.6f}" for each in ratios)


# Published figures


def test_a_published_shift_with_an_ideal_cycle_of_one_second():
    day = account(
        made(19_271 - 423, 19_271),
        not_scheduled=24 * 60 - 480,
        planned=60,
        failure=47,
        running=480 - 60 - 47,
    )
    found = figures(day)
    assert shown(found) == ("0.888095", "0.861081", "0.978050", "0.747937")
    assert f"{found.teep:.6f}" == "0.218148"
    lost = found.lost
    assert (lost["stop"], lost["slow"], lost["reject"], lost["productive"]) == (
        2820,
        3109,
        423,
        18_848,
    )
    assert lost["stop"] + lost["slow"] + lost["reject"] + lost["productive"] == 25_200
    assert (lost["all"], lost["ppt"], lost["run"], lost["net"]) == (
        86_400,
        25_200,
        22_380,
        19_271,
    )
    assert (found.why, found.warning, found.confidence) == (None, None, 1)


def test_a_published_shift_at_two_a_minute():
    found = figures(account(made(675, 700, "30"), planned=45, failure=30, running=405))
    assert shown(found) == ("0.931034", "0.864198", "0.964286", "0.775862")


def test_quality_of_two_products_is_weighed_by_their_time():
    output = made(8_910, 9_000, "1") + made(3_800, 4_000, "2")
    found = figures(account(output, failure=40, running=380))
    assert shown(found) == ("0.904762", "0.745614", "0.971176", "0.655159")


def test_a_roll_up_is_a_ratio_of_sums():
    parts = [
        Account(
            {
                Bucket.FAILURE: (ppt - run) * SECOND,
                Bucket.RUNNING: run * SECOND,
            },
            Output(good, net, Decimal(good), Decimal(net)),
        )
        for ppt, run, net, good in (
            (25_200, 22_380, 19_271, 18_848),
            (25_200, 12_600, 12_000, 11_400),
            (7_200, 7_140, 7_100, 7_090),
        )
    ]
    assert shown(figures(sum(parts, Account()))) == (
        "0.731250",
        "0.910992",
        "0.973079",
        "0.648229",
    )


def test_the_names_of_iso_22400_come_from_the_same_buckets():
    # Busy 420 minutes: production 340, set-up 40, delays 40; the published effectiveness is PRI x PQ / APT.
    found = figures(
        account(made(17_500, 18_000), planned=60, adjustment=40, failure=40, running=340)
    )
    assert shown(found) == ("0.809524", "0.882353", "0.972222", "0.694444")
    assert f"{found.nee:.6f}" == "0.776144"


def test_a_stop_across_a_boundary_is_of_each_side_by_its_time_and_counted_where_it_began():
    boundary = 20
    states = [
        stretch(Seen("running"), 0, 10),
        stretch(Seen("stopped", 7), 10, 40),
        stretch(Seen("running"), 40, 60),
    ]
    timeline = Timeline(states=states, plan=[stretch(Plan.SCHEDULED, 0, 60)])
    before = time_of(classify(timeline, at(0), at(boundary)))
    after = time_of(classify(timeline, at(boundary), at(60)))
    assert (before[Bucket.FAILURE], after[Bucket.FAILURE]) == (10 * MINUTE, 20 * MINUTE)
    (stop,) = stops(Stretch(each.what.state, each.started_at, each.ended_at) for each in states)
    assert at(0) <= stop.started_at < at(boundary)


# What nobody can know


@pytest.mark.parametrize(
    ("given_account", "expected", "why"),
    [
        (
            account(planned=60),
            (None, None, None, None),
            "nothing was planned, or nothing was measured",
        ),
        (account(no_data=60), (None,) * 4, "nothing was planned, or nothing was measured"),
        (account(), (None,) * 4, "nothing was planned, or nothing was measured"),
        (account(failure=60), ("0.000000", None, None, "0.000000"), "it never ran"),
        (
            account(running=60),
            ("1.000000", "0.000000", None, "0.000000"),
            "it ran and made nothing",
        ),
    ],
)
def test_what_nobody_can_know_is_none_and_says_why(given_account, expected, why):
    found = figures(given_account)
    assert (shown(found), found.why) == (expected, why)


@pytest.mark.parametrize(
    ("without", "why"),
    [
        ({7}, "no ideal cycle for 500 g loaf"),
        ({9}, "no ideal cycle for 9"),
        ({None}, "no product was set for some of the pieces"),
        ({7, None}, "no ideal cycle for 500 g loaf; no product was set for some of the pieces"),
    ],
)
def test_a_piece_without_an_ideal_cycle_leaves_performance_open(without, why):
    known = made(50, 50)
    output = known + Output(good=9, total=10, without=frozenset(without))
    found = figures(account(output, running=60), names={7: "500 g loaf"})
    assert shown(found) == ("1.000000", None, None, None)
    assert (found.why, found.nee, found.teep) == (why, None, None)
    assert (found.lost["slow"], found.lost["net"], found.lost["productive"]) == (None,) * 3
    assert (found.six["speed"], found.six["defects"], found.six["startup"]) == (None,) * 3


def test_of_one_product_alone_quality_needs_no_ideal_cycle():
    output = Output(good=9, total=10, without=frozenset({7}))
    assert figures(account(output, running=60)).quality == Decimal("0.9")


def test_performance_above_one_is_shown_with_a_warning_and_not_clamped():
    found = figures(account(made(3900, 4200), running=60))
    assert found.performance == Decimal(4200) / 3600
    assert "above" in found.warning
    assert found.lost["slow"] == -600


def test_more_rejects_than_pieces_is_told_and_not_mended():
    found = figures(account(made(-2, 3), running=60))
    assert found.warning == "the counters contradict each other: more rejects than pieces"
    assert found.oee == Decimal(-2) / 3600


def test_no_data_is_taken_out_or_a_stop_by_setting():
    given_account = account(made(1800, 1800), running=30, no_data=30)
    out, stop = figures(given_account), figures(given_account, no_data_is_stop=True)
    assert (out.oee, stop.oee) == (1, Decimal("0.5"))
    assert (out.confidence, stop.confidence) == (Decimal("0.5"), Decimal("0.5"))
    assert (out.lost["no_data"], stop.lost["no_data"]) == (1800, 0)
    assert (out.lost["ppt"], stop.lost["ppt"], stop.lost["stop"]) == (1800, 3600, 1800)
    assert (out.six["failure"], stop.six["failure"]) == (0, 1800)
    nothing = figures(account(no_data=30), no_data_is_stop=True)
    assert (nothing.availability, nothing.oee, nothing.confidence) == (0, 0, 0)


def test_the_six_big_losses_are_all_of_what_was_planned_and_not_productive():
    output = Output(1000, 1100, Decimal(1000), Decimal(1100), startup_s=Decimal(40))
    minutes = {
        "failure": 1,
        "adjustment": 2,
        "idling": 4,
        "changeover": 8,
        "small_stop": 16,
        "running": 32,
    }
    six = figures(account(output, **minutes)).six
    assert six == {
        "failure": 60,
        "setup": 600,
        "idling": 1200,
        "speed": 32 * 60 - 1100,
        "defects": 60,
        "startup": 40,
    }
    assert sum(six.values()) + 1000 == 63 * 60


def test_accounts_add_up_with_their_stops_and_what_is_set_aside():
    one = Account({Bucket.RUNNING: MINUTE}, Output(1, 2, aside_good=3, aside_total=4), 1, 2)
    two = Account(
        {Bucket.FAILURE: MINUTE}, Output(10, 20, aside_good=30, aside_total=40), 10, 20
    )
    both = one + two
    assert both.time == {Bucket.RUNNING: MINUTE, Bucket.FAILURE: MINUTE}
    assert (both.small_stops, both.stops, both.all) == (11, 22, 2 * MINUTE)
    assert (both.output.reject, both.output.aside_good, both.output.aside_total) == (11, 33, 44)


# Precedence


def leaves(state, **layers):
    timeline = Timeline(
        states=[stretch(Seen(state, 5), 0, 10)] if state else [],
        plan=layers.pop("plan", [stretch(Plan.SCHEDULED, 0, 10)]),
        **layers,
    )
    return classify(timeline, at(0), at(10))


EVERYTHING = {
    "plan": [stretch(Plan.NOT_SCHEDULED, 0, 10)],
    "said": [stretch("cleaning", 0, 10)],
    "changeovers": [stretch(3, 0, 10)],
    "causes": [stretch(Cause(Bucket.IDLING, 11), 0, 10)],
    "small": stops([stretch("stopped", 0, 10)]),
}


def having(*names, plan=Plan.SCHEDULED):
    return {name: EVERYTHING[name] for name in names} | {"plan": [stretch(plan, 0, 10)]}


@pytest.mark.parametrize(
    ("state", "layers", "bucket"),
    [
        ("running", EVERYTHING, Bucket.RUNNING),
        ("stopped", EVERYTHING, Bucket.NOT_SCHEDULED),
        ("no_data", EVERYTHING, Bucket.NOT_SCHEDULED),
        ("stopped", having("changeovers", plan=Plan.PLANNED), Bucket.PLANNED),
        ("no_data", having("said", "changeovers"), Bucket.PLANNED),
        ("no_data", having("changeovers", "causes", "small"), Bucket.NO_DATA),
        (None, having("causes"), Bucket.NO_DATA),
        ("stopped", having("changeovers", "causes", "small"), Bucket.CHANGEOVER),
        ("setup", having("causes", "small"), Bucket.CHANGEOVER),
        ("stopped", having("causes", "small"), Bucket.IDLING),
        ("stopped", having("small"), Bucket.SMALL_STOP),
        ("faulted", having(), Bucket.FAILURE),
        ("faulted", {"plan": []}, Bucket.FAILURE),
    ],
)
def test_each_moment_is_in_one_bucket_by_the_first_that_holds(state, layers, bucket):
    (found,) = leaves(state, **layers)
    assert (found.what.bucket, found.started_at, found.ended_at) == (bucket, at(0), at(10))


def test_a_leaf_says_what_was_seen_and_which_downtime_it_is_of():
    causes = [stretch(Cause(Bucket.IDLING, 11), 0, 10)]
    (stopped,) = leaves("stopped", causes=causes)
    assert stopped.what == Leaf(Bucket.IDLING, "stopped", 5, 11)
    (ran,) = leaves("running", causes=causes)
    assert ran.what == Leaf(Bucket.RUNNING, "running", 5, None)


def test_an_empty_window_has_no_leaves():
    assert classify(Timeline(states=[], plan=[]), at(1), at(1)) == []


def test_what_is_the_same_and_touches_is_one_leaf():
    plan = [stretch(Plan.SCHEDULED, 0, 4), stretch(Plan.SCHEDULED, 4, 10)]
    assert len(leaves("running", plan=plan)) == 1


# Properties

STATES = [RUNNING, "stopped", "faulted", "idle", "starved", "setup", NO_DATA, None]
THRESHOLD = 120 * SECOND
END = 40  # minutes
moment = st.sampled_from(range(END * 60)).flatmap(
    lambda second: st.sampled_from([0, 1, 999_999]).map(
        lambda beside: T0 + second * SECOND + beside * MICROSECOND
    )
)


def layer(values, most):
    """Stretches that do not overlap, with holes (None), anywhere in the window."""

    def built(pair):
        cuts, whats = pair
        return [
            Stretch(what, began, ended)
            for (began, ended), what in zip(pairwise(sorted(cuts)), whats, strict=False)
            if what is not None
        ]

    return st.tuples(
        st.sets(moment, max_size=most), st.lists(values, min_size=most, max_size=most)
    ).map(built)


def counted(*cycles):
    """When each piece was counted, its ideal cycle, and whether it is good."""
    of_each = st.tuples(moment, st.sampled_from(cycles), st.sampled_from([True, True, False]))
    return st.lists(of_each, min_size=3, max_size=12)


pieces = st.just([]) | counted("0.6", "1", "12.345678") | counted("0.6", "1", "12.345678", None)
causes = st.sampled_from([Bucket.PLANNED, Bucket.CHANGEOVER, Bucket.IDLING, Bucket.ADJUSTMENT])


lengths = st.sampled_from([1, 20, 60, 119, 121, 150, 400, 900])


@st.composite
def seen(draw):
    """States one after another, as long as about what tells a micro-stop from a stop; or any."""
    if draw(st.sampled_from(["near the threshold", "near the threshold", "any"])) == "any":
        return draw(layer(st.sampled_from(STATES), 12))
    parts = draw(st.lists(st.tuples(st.sampled_from(STATES), lengths), min_size=6, max_size=12))
    found, began = [], T0 - 60 * SECOND
    for state, length in parts:
        if state is not None:
            found.append(Stretch(state, began, began + length * SECOND))
        began += length * SECOND
    return found


@st.composite
def floors(draw, *, planned=True):
    """All layers of an equipment, its pieces, and moments at which to cut the window."""
    found = {
        "states": draw(seen()),
        "plan": draw(layer(st.sampled_from([*Plan, None]), 4)) if planned else [],
        "said": draw(layer(st.just("cleaning"), 2)) if planned else [],
        "changeovers": draw(layer(st.just(1), 3)),
        "causes": draw(layer(causes.map(Cause), 3)),
        "pieces": draw(pieces),
    }
    inside = [each.started_at + each.length / 2 for each in found["states"]]
    where = st.sampled_from([each for each in inside if T0 < each < at(END)] or [at(END / 2)])
    cuts = draw(st.lists(moment | where, min_size=1, max_size=4))
    return found, sorted({T0, at(END), *cuts})


def timeline_of(floor, known=None):
    known = floor["states"] if known is None else known
    found = stops(known)
    return (
        Timeline(
            states=[Stretch(Seen(each.what), each.started_at, each.ended_at) for each in known],
            plan=floor["plan"],
            said=floor["said"],
            changeovers=floor["changeovers"],
            causes=floor["causes"],
            small=[each for each in found if each.is_small(THRESHOLD)],
        ),
        found,
    )


def is_known(states, moment_):
    return any(
        each.started_at < moment_ <= each.ended_at and each.what != NO_DATA for each in states
    )


def output_of(floor, states, start, end):
    """Return what was made in (start, end]; without a state there is no measured time behind a piece."""
    total = Output()
    for moment_, cycle, is_good in floor["pieces"]:
        if not start < moment_ <= end:
            continue
        good = int(is_good)
        if not is_known(states, moment_):
            total += Output(aside_good=good, aside_total=1)
        elif cycle is None:
            total += Output(good, 1, without=frozenset({None}))
        else:
            total += made(good, 1, cycle)
    return total


def account_of(floor, start, end, states=None):
    """Return the account of a window: time by bucket, pieces, and the stops that began in it."""
    states = floor["states"] if states is None else states
    timeline, found = timeline_of(floor, states)
    began = [each for each in found if start <= each.started_at < end]
    small = sum(each.is_small(THRESHOLD) for each in began)
    return Account(
        oee.time_of(oee.classify(timeline, start, end)),
        output_of(floor, states, start, end),
        small,
        len(began) - small,
    )


quick = settings(
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=200,
    # Without shrinking: the faults put in on purpose below would take minutes.
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@quick
@given(floors())
def test_the_buckets_add_up_to_the_window_exactly(case):
    floor, (start, *_, end) = case
    found = oee.classify(timeline_of(floor)[0], start, end)
    assert sum((each.length for each in found), timedelta()) == end - start
    assert (found[0].started_at, found[-1].ended_at) == (start, end)
    assert all(before.ended_at == after.started_at for before, after in pairwise(found))
    assert all(each.length > timedelta() for each in found)
    whole = account_of(floor, start, end)
    assert whole.all == end - start
    lost = ratios.figures(whole).lost
    assert (
        lost["all"]
        == lost["not_scheduled"] + lost["planned_stop"] + lost["no_data"] + lost["ppt"]
        == seconds(end - start)
    )
    assert lost["ppt"] == lost["stop"] + lost["changeover"] + lost["run"]
    if not whole.output.without:
        assert lost["run"] == lost["small_stop"] + lost["slow"] + lost["net"]
        assert lost["net"] == lost["reject"] + lost["productive"]
        six = ratios.figures(whole).six
        assert sum(six.values()) + lost["productive"] == lost["ppt"]


@quick
@given(floors())
def test_any_cuts_give_the_same_account(case):
    floor, cuts = case
    whole = account_of(floor, cuts[0], cuts[-1])
    parts = sum((account_of(floor, *each) for each in pairwise(cuts)), Account())
    assert parts == whole
    assert ratios.figures(parts) == ratios.figures(whole)


@quick
@given(floors())
def test_the_product_of_the_three_is_the_direct_ratio(case):
    floor, (start, *_, end) = case
    for is_stop in (False, True):
        found = ratios.figures(account_of(floor, start, end), no_data_is_stop=is_stop)
        factors = (found.availability, found.performance, found.quality)
        if None not in factors:
            product = factors[0] * factors[1] * factors[2]
            assert abs(product - found.oee) < Decimal("1e-20")


@quick
@given(floors(), st.randoms(use_true_random=False))
def test_the_order_in_which_rows_came_does_not_matter(case, random):
    floor, (start, *_, end) = case
    mixed = {name: random.sample(rows, len(rows)) for name, rows in floor.items()}
    assert account_of(mixed, start, end) == account_of(floor, start, end)
    backwards = {name: rows[::-1] for name, rows in floor.items()}
    assert account_of(backwards, start, end) == account_of(floor, start, end)


def unseen(states, start, end):
    """Return the states as if no sample had come in [start, end)."""
    found = []
    for each in states:
        if each.started_at < start:
            found.append(Stretch(each.what, each.started_at, min(each.ended_at, start)))
        if each.ended_at > end:
            found.append(Stretch(each.what, max(each.started_at, end), each.ended_at))
    return found


@quick
@given(floors())
def test_a_missing_sample_never_raises_running_or_productive_time(case):
    floor, cuts = case
    start, end = cuts[0], cuts[-1]
    less = account_of(floor, start, end, unseen(floor["states"], *cuts[:2]))
    more = account_of(floor, start, end)
    assert less.of(Bucket.RUNNING) <= more.of(Bucket.RUNNING)
    assert less.output.good_s <= more.output.good_s
    assert less.output.good <= more.output.good
    assert less.output.good + less.output.aside_good == (
        more.output.good + more.output.aside_good
    )


@quick
@given(floors(planned=False))
def test_a_missing_sample_never_raises_oee_when_no_data_is_a_stop(case):
    floor, cuts = case
    start, end = cuts[0], cuts[-1]
    known = [each for each in floor["pieces"] if each[1] is not None]
    floor = floor | {"pieces": known}
    states = unseen(floor["states"], *cuts[:2])
    less = ratios.figures(account_of(floor, start, end, states), no_data_is_stop=True)
    more = ratios.figures(account_of(floor, start, end), no_data_is_stop=True)
    if less.oee is not None and more.oee is not None:
        assert less.oee <= more.oee


# Each property catches a fault that was put in on purpose.


def loses_last(original):
    return lambda *args: original(*args)[:-1]


def only_in_window(original):
    """Break: a stop is told by its part in the window."""

    def cut(timeline, start, end):
        states = [
            Stretch(each.what.state, max(each.started_at, start), min(each.ended_at, end))
            for each in timeline.states
            if each.started_at < end and each.ended_at > start
        ]
        small = [each for each in stops(states) if each.is_small(THRESHOLD)]
        return original(
            Timeline(
                states=timeline.states,
                plan=timeline.plan,
                said=timeline.said,
                changeovers=timeline.changeovers,
                causes=timeline.causes,
                small=small,
            ),
            start,
            end,
        )

    return cut


def quality_by_pieces(output):
    """Break: products with a slow cycle weigh no more than others."""
    return Decimal(output.good) / output.total if output.total else None


class AsTheyCame(oee._Layer):
    """Break: rows are taken in the order in which they came."""

    def __init__(self, stretches):
        super().__init__(())
        self._stretches = list(stretches)


def unknown_runs(original):
    """Break: what nobody measured ran on."""
    return lambda state, *args, **fields: (
        Bucket.RUNNING if state == NO_DATA else original(state, *args, **fields)
    )


def forgets_setting(original):
    """Break: time without data is left out although it is a stop."""
    return lambda account_, **fields: original(account_)


FAULTS = {
    "the last part of the window is lost": (
        oee,
        "classify",
        loses_last(classify),
        test_the_buckets_add_up_to_the_window_exactly,
    ),
    "a stop is judged by its part in the window": (
        oee,
        "classify",
        only_in_window(classify),
        test_any_cuts_give_the_same_account,
    ),
    "quality does not weigh products": (
        ratios,
        "_quality",
        quality_by_pieces,
        test_the_product_of_the_three_is_the_direct_ratio,
    ),
    "layers are not sorted": (
        oee,
        "_Layer",
        AsTheyCame,
        test_the_order_in_which_rows_came_does_not_matter,
    ),
    "what nobody measured ran on": (
        oee,
        "_bucket",
        unknown_runs(oee._bucket),
        test_a_missing_sample_never_raises_running_or_productive_time,
    ),
    "no data is left out although it is a stop": (
        ratios,
        "figures",
        forgets_setting(figures),
        test_a_missing_sample_never_raises_oee_when_no_data_is_a_stop,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_put_in_on_purpose_is_caught(name, monkeypatch):
    module, attribute, broken, found_by = FAULTS[name]
    monkeypatch.setattr(module, attribute, broken)
    with pytest.raises(AssertionError):
        found_by()
