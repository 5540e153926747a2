"""What people and programs are told."""

from andon.telling import digest_of, message_of, trial

PAYLOAD = {
    "call_id": 71,
    "escalation_id": 70,
    "happened": "level",
    "level": 2,
    "levels": 3,
    "n": 0,
    "line": "LINE-A",
    "line_name": "Line A",
    "equipment": "OVEN-1",
    "equipment_name": "Oven",
    "category": "stop",
    "priority": "critical",
    "description": "Oven will not light",
    "raised_by": "Anna",
    "rule": None,
    "raised_at": "2026-11-29T10:00:00+00:00",
    "due_at": "2026-11-29T10:02:00+00:00",
    "fired_at": "2026-11-29T10:16:00+00:00",
    "late_ms": 14 * 60_000,
    "occurrences": 3,
    "recipients": ["shift manager", "maintenance on call"],
    "next": "level",
    "next_due_at": "2026-11-29T10:20:00+00:00",
    "time_zone": "Europe/Berlin",
}
LINK = "https://ms5.example.com/andon/"


def test_a_message_says_what_where_since_when_how_late_and_why():
    message = message_of(PAYLOAD, "9:4:email", LINK)
    assert message.subject == "CRITICAL: Oven will not light (Line A, Oven), level 2 of 3"
    assert message.text.splitlines() == [
        "What:  Oven will not light (stop, critical)",
        "Where: Line A, Oven",
        "Since: 29 Nov 11:00:00 CET, raised 3 times",
        "Why:   nobody has acknowledged it; level 2 of 3; raised by Anna",
        "Late:  due 29 Nov 11:02:00 CET, told 14 min later, since the system did not run",
        "Told:  shift manager, maintenance on call",
        "Next:  the next level at 29 Nov 11:20:00 CET unless somebody acts",
        f"Board: {LINK}",
    ]
    assert message.data == {"type": "andon_escalation", **PAYLOAD, "url": LINK}


def test_why_is_said_for_each_thing_that_happens():
    def why(**fields):
        message = message_of({**PAYLOAD, **fields}, "k", LINK)
        return next(line for line in message.text.splitlines() if line.startswith("Why"))

    assert "a new call, level 1 of 3" in why(level=1)
    assert "reminder 2 on level 2 of 3" in why(happened="reminder", n=2)
    assert "Berta acknowledged it, and it is not resolved; level 2" in why(
        acknowledged_by="Berta"
    )
    assert "raised by Lost controller" in why(rule="Lost controller", raised_by=None)


def test_what_is_on_time_says_nothing_of_lateness():
    assert "Late" not in message_of({**PAYLOAD, "late_ms": 900}, "k", LINK).text


def test_a_time_zone_that_nobody_knows_is_utc():
    assert "10:00:00 UTC" in message_of({**PAYLOAD, "time_zone": "Mars/Base"}, "k", LINK).text


def test_a_digest_counts_by_priority_and_cuts_what_nobody_would_read():
    one = message_of(PAYLOAD, "k", LINK)
    two = message_of({**PAYLOAD, "priority": "low"}, "k", LINK)
    digest = digest_of([one, two, one], "digest:1", LINK)
    assert digest.subject == "3 Andon messages (2 critical, 1 low)"
    assert digest.text.count("Oven will not light") == 3
    assert "- and 10 more" in digest_of([one] * 50, "digest:2", LINK).text


def test_a_trial_says_that_nothing_has_happened():
    message = trial("t", "ERP", "Anna")
    assert message.data["type"] == "test"
    assert "Nothing has happened" in message.text
