"""The door and the messages: whatever comes in becomes a message or a named refusal."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.frames import Refused, parse_frame, target_of
from realtime.limits import Bucket, Limits, Recent
from realtime.protocol import (
    CloseCode,
    Error,
    ErrorCode,
    GetStats,
    GetSubscriptions,
    Ping,
    Pong,
    Resume,
    Subscribe,
    SubscriptionRequest,
    Unsubscribe,
)
from realtime.schemas import client_schemas, server_schemas
from realtime.targets import Scope, SubscriptionType, Target

LIMITS = Limits()
FROM_CLIENT = client_schemas()


def refusal(text):
    with pytest.raises(Refused) as caught:
        parse_frame(text, LIMITS)
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"ping"}', Ping()),
        ('{"type":"ping","id":4,"t":[1,{"a":null}]}', Ping(id=4, t=[1, {"a": None}])),
        ('{"type":"get_stats","id":0}', GetStats(id=0)),
        ('{"type":"get_subscriptions","more":"is ignored"}', GetSubscriptions()),
        (
            '{"type":"subscribe","subscription_type":"line","target_id":"L"}',
            Subscribe(subscription_type="line", target_id="L"),
        ),
        (
            json.dumps(
                {
                    "type": "subscribe",
                    "subscriptions": [{"subscription_type": "line", "target": "L"}],
                    "snapshot": False,
                }
            ),
            Subscribe(
                subscriptions=[SubscriptionRequest(subscription_type="line", target="L")],
                snapshot=False,
            ),
        ),
        (
            '{"type":"unsubscribe","subscription_type":"line","target":"L"}',
            Unsubscribe(subscription_type="line", target="L"),
        ),
        ('{"type":"resume","epoch":"e","positions":{}}', Resume(epoch="e", positions={})),
    ],
)
def test_a_message_of_the_contract_is_read(text, message):
    assert parse_frame(text, LIMITS) == message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ErrorCode.INVALID_JSON),
        ("{", ErrorCode.INVALID_JSON),
        ("\ufeff{}", ErrorCode.INVALID_JSON),
        ('{"type":"ping"} {}', ErrorCode.INVALID_JSON),
        ("{'type':'ping'}", ErrorCode.INVALID_JSON),
        ('{"type":"ping","t":NaN}', ErrorCode.INVALID_JSON),
        ('{"type":"ping","t":-Infinity}', ErrorCode.INVALID_JSON),
        ("[" * 16_000, ErrorCode.INVALID_JSON),
        ("[1]", ErrorCode.INVALID_MESSAGE),
        ("17", ErrorCode.INVALID_MESSAGE),
        ("null", ErrorCode.INVALID_MESSAGE),
        ("{}", ErrorCode.INVALID_MESSAGE),
        ('{"type":[1]}', ErrorCode.INVALID_MESSAGE),
        ('{"type":null}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","type":"ping"}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","t":{"a":1,"a":2}}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","t":"\\ud800"}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","t":{"\\udfff":1}}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","t":1e999}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","t":' + "9" * 5000 + "}", ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","t":9223372036854775808}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","t":' + "[" * 8 + "]" * 8 + "}", ErrorCode.INVALID_MESSAGE),
        (json.dumps({"type": "ping", "t": "x" * 513}), ErrorCode.INVALID_MESSAGE),
        (json.dumps({"type": "ping", "x" * 513: 1}), ErrorCode.INVALID_MESSAGE),
        (json.dumps({f"k{n}": n for n in range(65)}), ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","id":"1"}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","id":true}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","id":1.5}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"subscribe","subscription_type":1}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"subscribe","subscriptions":[]}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"subscribe","subscriptions":["line"]}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"subscribe","snapshot":"no"}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"become_admin"}', ErrorCode.UNKNOWN_MESSAGE_TYPE),
        ('{"type":"__class__"}', ErrorCode.UNKNOWN_MESSAGE_TYPE),
        ("x" * 16_385, ErrorCode.TOO_LARGE),
        ('"' + "é" * 8_200 + '"', ErrorCode.TOO_LARGE),
    ],
)
def test_what_is_not_of_the_contract_is_refused_by_name(text, code):
    assert refusal(text) is code


def test_what_lies_just_within_the_limits_is_read():
    nested = '{"type":"ping","t":' + "[" * 7 + "]" * 7 + "}"
    wide = json.dumps({"type": "ping", **{f"k{n}": n for n in range(63)}})
    long = json.dumps({"type": "ping", "t": "x" * 512})
    large = '{"type":"ping"}' + " " * (16_384 - 15)
    for text in (nested, wide, long, large, '{"type":"ping","t":-9223372036854775807}'):
        assert isinstance(parse_frame(text, LIMITS), Ping)


def test_a_refusal_repeats_the_id_where_it_could_be_read():
    with pytest.raises(Refused) as caught:
        parse_frame('{"type":"nonsense","id":12}', LIMITS)
    assert caught.value.id == 12


@given(st.text(max_size=400))
def test_no_text_brings_a_traceback(text):
    with suppress(Refused):
        parse_frame(text, LIMITS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(
    st.sampled_from(["subscribe", "unsubscribe", "resume", "auth", "ping", "get_stats", "x"]),
    st.dictionaries(
        st.sampled_from(
            ["id", "subscription_type", "target_id", "target", "subscriptions", "snapshot", "t"]
        ),
        json_values,
    ),
)
def test_what_is_let_in_can_be_answered_and_fits_its_schema(type_, fields):
    text = json.dumps({"type": type_, **fields})
    try:
        message = parse_frame(text, LIMITS)
    except Refused:
        return
    jsonschema.validate(json.loads(text), FROM_CLIENT[type_])
    if isinstance(message, Ping):
        now = datetime.now(UTC)
        assert json.loads(Pong(timestamp=now, t=message.t, server_time=now).text())
    if isinstance(message, Subscribe | Unsubscribe):
        for wish in message.wishes:
            with suppress(Refused):
                target_of(wish)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({}, ErrorCode.MISSING_SUBSCRIPTION_TYPE),
        ({"target_id": "L"}, ErrorCode.MISSING_SUBSCRIPTION_TYPE),
        ({"subscription_type": "lines"}, ErrorCode.UNKNOWN_SUBSCRIPTION_TYPE),
        ({"subscription_type": "line"}, ErrorCode.MISSING_TARGET_ID),
        ({"subscription_type": "line", "target_id": ""}, ErrorCode.INVALID_TARGET),
    ],
)
def test_a_subscription_that_lacks_something_is_told_what(wish, code):
    with pytest.raises(Refused) as caught:
        target_of(SubscriptionRequest(**wish))
    assert caught.value.code is code


def test_target_is_an_alias_and_target_id_the_word():
    both = SubscriptionRequest(subscription_type="line", target_id="A", target="B")
    assert target_of(both) == Target(SubscriptionType.LINE, Scope.LINE, "A")


def test_every_schema_is_a_schema_and_every_message_has_one():
    schemas = [*client_schemas().values(), *server_schemas().values()]
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema(schema)
    assert len(client_schemas()) == 7
    assert len(server_schemas()) == 11 + 18


def test_the_server_says_nothing_that_it_has_not_declared():
    error = Error(
        timestamp=datetime.now(UTC), code=ErrorCode.INTERNAL, message="m", retryable=True
    )
    said = json.loads(error.text())
    jsonschema.validate(said, server_schemas()["error"])
    assert list(said) == ["type", "timestamp", "code", "message", "retryable"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(said | {"more": 1}, server_schemas()["error"])


def test_closes_of_44xx_tell_the_client_to_stop_and_45xx_to_come_again():
    assert {code.value for code in CloseCode if 4400 <= code < 4500} == {
        4400,
        4401,
        4403,
        4406,
        4408,
        4429,
    }
    assert {code.value for code in CloseCode if code >= 4500} == {4503, 4508, 4510}


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate():
    bucket = Bucket(per_second=20, burst=40)
    assert [bucket.take(100.0) for _ in range(40)] == [0] * 40
    assert bucket.take(100.0) == 50
    assert bucket.take(100.06) == 0
    assert bucket.take(100.06) == 40


@given(st.lists(st.floats(0, 3), max_size=200))
def test_a_bucket_never_gives_more_than_burst_and_rate_allow(pauses):
    bucket, now, given_out = Bucket(per_second=5, burst=10), 0.0, 0
    for pause in pauses:
        now += pause
        given_out += bucket.take(now) == 0
    assert given_out <= 10 + 5 * now + 1e-6


def test_recent_counts_only_what_lies_within_its_window():
    recent = Recent(60)
    assert [recent.add(at) for at in (0, 10, 59, 60, 71)] == [1, 2, 3, 3, 3]
