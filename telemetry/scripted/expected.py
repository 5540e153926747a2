"""What must come out of the scripts, written down: found by hand from their acts, and checked against `key`."""

from fractions import Fraction

# Which bucket the reasons of the scripts belong to.
LOSSES = {"MECH_FAULT": "failure", "DOWNSTREAM_STOP": "idling"}

DAY_SECONDS = {
    "planned": 1_680,  # the break from 09:32, when it stopped, to 10:00
    "no_data": 240,
    "failure": 781,  # blade 600, late after the break 60, guard 121
    "idling": 121,
    "changeover": 634,  # 480 + 100 + 54 in which it did not run
    "small_stop": 555,  # 45 + 120 + 20 x 15 + 90
    "running": 24_789,
}
# Product: total and rejects that were measured, then those that were not.
DAY_MADE = {1: (23_665, 243, 380, 4), 2: (13_043, 98, 0, 0)}
DAY_LOADER_MADE = 36_330
# Begin and end of each stop that is a downtime.
DAY_DOWNTIMES = (
    (5_400, 6_000),
    (8_400, 8_521),
    (12_720, 14_460),
    (18_000, 18_480),
    (25_800, 25_921),
)
DAY_SMALL_STOPS = 25
"""45 s, 120 s, the storm's twenty, 100 s and 54 s in the changeover, 90 s."""
DAY_STOPS_COUNTED = (3, 23)
"""Of both kinds, those that began in time planned for production: none of the break or the changeover."""
DAY_CHANGEOVER = (18_000, 18_668)
DAY_JOBS = {"DAY-1": (18_000, 23_798, 247), "DAY-2": (24_886, 8_001, 70)}
# PPT 26,880 s and run 25,344 s; ideal 23,665 x 0.6 + 13,043 x 0.75 s in all, 23,981.25 s.
DAY_AVAILABILITY = Fraction(25_344, 26_880)
DAY_PERFORMANCE = Fraction("23981.25") / 25_344
DAY_QUALITY = Fraction("23761.95") / Fraction("23981.25")
DAY_OEE = Fraction("23761.95") / 26_880
