"""The figures of ISO 22400-2 come from the buckets of the OEE: the published vector, and what is unknown."""

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal

from production.iso import iso_of
from production.oee import Account, Bucket, Output
from production.ratios import figures


def account(*, good=17500, total=18000, **minutes):
    """Return the account of these minutes; a piece takes a second."""
    return Account(
        {Bucket(name): timedelta(minutes=length) for name, length in minutes.items()},
        Output(good, total, Decimal(good), Decimal(total)),
    )


def iso(of, **options):
    stop = {"no_data_is_stop": options.get("no_data_is_stop", False)}
    return iso_of(of, figures(of, **stop), **options)


# POT 480, planned down time 60, APT 340, AUST 40, ADET 40.
I1 = account(planned=60, running=340, changeover=40, failure=40)


def test_the_vector_of_the_standard():
    found = iso(I1)
    assert [
        round(float(each), 6)
        for each in (
            found.availability,
            found.effectiveness,
            found.quality_ratio,
            found.oee,
            found.nee,
        )
    ] == [0.809524, 0.882353, 0.972222, 0.694444, 0.776144]
    assert (found.pbt_s, found.apt_s, found.aust_s, found.adet_s) == (25200, 20400, 2400, 2400)
    assert (found.aupt_s, found.aubt_s) == (22800, 25200)
    assert [
        round(float(each), 6)
        for each in (
            found.utilization_efficiency,
            found.technical_efficiency,
            found.setup_ratio,
            found.scrap_ratio,
        )
    ] == [0.809524, 0.894737, 0.105263, 0.027778]


def test_only_an_order_is_allocated():
    assert (iso(I1).aoet_s, iso(I1).allocation_ratio) == (None, None)
    found = iso(I1, order=timedelta(minutes=840))
    assert (found.aoet_s, found.allocation_ratio) == (50400, Decimal("0.5"))


def test_time_without_data_is_delay_only_where_it_is_a_stop():
    with_hole = account(running=340, no_data=20)
    assert iso(with_hole).adet_s == 0
    assert iso(with_hole, no_data_is_stop=True).adet_s == 1200


def test_of_nothing_there_is_no_ratio():
    ratios = asdict(iso(Account()))
    assert {value for name, value in ratios.items() if not name.endswith("_s")} == {None}
