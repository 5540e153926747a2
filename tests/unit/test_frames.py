"""The door, case by case and by properties: a message or a refusal by name, and nothing else."""

import json
from collections import Counter
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.frames import Refused, parse_frame, target_of
from realtime.limits import Limits
from realtime.protocol import (
    Auth,
    ErrorCode,
    GetStats,
    GetSubscriptions,
    Ping,
    Resume,
    Subscribe,
    SubscriptionRequest,
    Unsubscribe,
)
from realtime.resume import asked_in
from tests.fuzzing import Fuzzer
from tests.malformed import cases

LIMITS = Limits()
# Large enough that what comes after the count of bytes is asked about, too.
WIDE = Limits(frame_bytes=10**7)
CASES = cases()
ANSWERS = {
    Ping: "pong",
    GetStats: "connection_stats",
    GetSubscriptions: "subscription_details",
    Subscribe: "subscription_confirmed",
    Unsubscribe: "unsubscription_confirmed",
    Resume: "resumed",
}


def verdict(text, limits=LIMITS):
    """Return the code of the refusal, or the type of the answer."""
    try:
        message = parse_frame(text, limits)
        if isinstance(message, Subscribe | Unsubscribe):
            for wish in message.wishes:
                target_of(wish)
        if isinstance(message, Resume):
            for wish in asked_in(message).wishes:
                target_of(wish)
    except Refused as refused:
        return refused.code
    if isinstance(message, Auth):
        return ErrorCode.AUTH_FAILED
    return ANSWERS[type(message)]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.close is None and not case.beyond_the_door], ids=str
)
def test_each_case_of_the_corpus_has_its_verdict(case):
    assert verdict(case.payload.decode()) == (case.code or case.answer)


@pytest.mark.parametrize("case", [case for case in CASES if case.beyond_the_door], ids=str)
def test_what_is_refused_behind_the_door_is_well_formed(case):
    assert verdict(case.payload.decode()) in {"subscription_confirmed", "resumed"}


def test_the_corpus_is_wide():
    codes = Counter(case.code for case in CASES if case.code is not None)
    assert len(CASES) >= 650
    assert codes.keys() == {
        "INVALID_JSON",
        "INVALID_MESSAGE",
        "UNKNOWN_MESSAGE_TYPE",
        "MISSING_SUBSCRIPTION_TYPE",
        "UNKNOWN_SUBSCRIPTION_TYPE",
        "MISSING_TARGET_ID",
        "INVALID_TARGET",
        "LIMIT_SUBSCRIPTIONS",
        "TOO_LARGE",
        "AUTH_FAILED",
        "RESUME_INVALID",
    }
    assert Counter(case.close for case in CASES if case.close) == {1007: 8, 1009: 4}
    assert codes["INVALID_TARGET"] > 300
    assert codes["INVALID_MESSAGE"] > 80
    assert sum(case.answer is not None for case in CASES) > 50


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, ErrorCode.INVALID_JSON),
        ("[" * 100_000 + "]" * 100_000, ErrorCode.INVALID_JSON),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, ErrorCode.INVALID_JSON),
        ('{"type":"ping","t":' + "9" * 1_000_000 + "}", ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","t":1e' + "9" * 1_000_000 + "}", ErrorCode.INVALID_MESSAGE),
        (
            '{"type":"subscribe","subscriptions":[' + "{}," * 9_999 + "{}]}",
            "LIMIT_SUBSCRIPTIONS",
        ),
        ('"' + "\\ud800" * 100_000 + '"', ErrorCode.INVALID_MESSAGE),
    ],
    ids=["open", "lists", "objects", "digits", "exponent", "subscriptions", "surrogates"],
)
def test_what_the_count_of_bytes_would_stop_is_stopped_without_it(text, code):
    assert verdict(text, WIDE) == code
    assert verdict(text) == ErrorCode.TOO_LARGE


def test_a_list_has_at_most_as_many_subscriptions_as_a_connection():
    few = Limits(subscriptions=2)
    wish = {"subscription_type": "line", "target_id": "L"}
    for type_ in ("subscribe", "unsubscribe", "resume"):
        two, three = ({"type": type_, "id": 5, "subscriptions": [wish] * n} for n in (2, 3))
        assert len(parse_frame(json.dumps(two), few).subscriptions) == 2
        with pytest.raises(Refused) as caught:
            parse_frame(json.dumps(three), few)
        assert (caught.value.code, caught.value.id) == (ErrorCode.LIMIT_SUBSCRIPTIONS, 5)


@given(st.text(max_size=600))
@example("\ud800")
@example("\0")
def test_any_text_is_a_message_or_a_refusal(text):
    assert verdict(text)


@given(st.text(alphabet='{}[]",:\\u0019eE+-.tfn \n', max_size=60))
def test_any_punctuation_is_a_message_or_a_refusal(text):
    assert verdict(text)


# Values that come back from JSON as they went in, within the limits of a message.
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
wild = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
ids = st.none() | st.integers(-(2**63) + 1, 2**63 - 1)
words = st.none() | st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=70)
wishes = st.builds(SubscriptionRequest, subscription_type=words, target_id=words, target=words)
lists = st.lists(wishes, min_size=1, max_size=5)
messages = st.one_of(
    st.builds(Ping, id=ids, t=st.none() | st.integers(-5, 5) | st.text("aä😀", max_size=9)),
    st.builds(GetStats, id=ids),
    st.builds(GetSubscriptions, id=ids),
    st.builds(Auth, id=ids, ticket=words),
    st.builds(
        Subscribe,
        id=ids,
        subscription_type=words,
        target_id=words,
        target=words,
        subscriptions=st.none() | lists,
        snapshot=st.booleans(),
    ),
    st.builds(Unsubscribe, id=ids, subscription_type=words, target_id=words),
    st.builds(
        Resume,
        id=ids,
        epoch=words,
        positions=st.none()
        | st.dictionaries(
            st.text("abL-.", max_size=5), st.fixed_dictionaries({"seq": st.integers(0, 9)})
        ),
        subscriptions=st.none() | lists,
    ),
)


@given(messages)
def test_a_message_that_is_written_and_read_is_the_same(message):
    import msgspec

    text = msgspec.json.encode(message).decode()
    assert parse_frame(text, LIMITS) == message


@given(wild)
def test_any_json_is_a_message_or_a_refusal(value):
    assert verdict(json.dumps(value))
    if not isinstance(value, dict):
        with pytest.raises(Refused):
            parse_frame(json.dumps(value), LIMITS)


@given(plain)
def test_a_ping_carries_any_json_value_that_is_not_too_deep(value):
    text = json.dumps({"type": "ping", "t": value})
    message = parse_frame(text, Limits(depth=30))
    # 1 and 1.0 are the same number to Python: the texts tell them apart.
    assert json.dumps(message.t) == json.dumps(value)


@given(messages, st.integers(0, 2**32), st.integers(1, 6))
def test_a_message_with_letters_changed_is_a_message_or_a_refusal(message, seed, changes):
    import msgspec

    random = Random(seed)
    letters = list(msgspec.json.encode(message).decode())
    for _ in range(changes):
        place = random.randrange(len(letters))
        match random.randrange(3):
            case 0:
                letters[place] = chr(random.randrange(128))
            case 1:
                letters.insert(place, random.choice('{}[]",:\\eE-0\0\ufeff'))
            case _:
                letters[place] = ""
    assert verdict("".join(letters))


@given(st.integers(0, 2**32))
def test_a_fuzzed_frame_is_a_message_or_a_refusal(seed):
    payload = Fuzzer(seed).payload()
    assert verdict(payload.decode("utf-8", "replace"))


def test_the_fuzzer_says_the_same_for_the_same_seed_and_reaches_every_refusal_of_the_door():
    first, second = Fuzzer(7), Fuzzer(7)
    payloads = [first.payload() for _ in range(3_000)]
    assert payloads == [second.payload() for _ in range(3_000)]
    assert max(map(len, payloads)) <= 70_000
    verdicts = [
        verdict(payload.decode("utf-8", "replace"), Limits(subscriptions=20))
        for payload in payloads
    ]
    for code in (
        ErrorCode.INVALID_JSON,
        ErrorCode.INVALID_MESSAGE,
        ErrorCode.UNKNOWN_MESSAGE_TYPE,
        ErrorCode.MISSING_SUBSCRIPTION_TYPE,
        ErrorCode.UNKNOWN_SUBSCRIPTION_TYPE,
        ErrorCode.MISSING_TARGET_ID,
        ErrorCode.INVALID_TARGET,
        ErrorCode.LIMIT_SUBSCRIPTIONS,
        ErrorCode.TOO_LARGE,
    ):
        assert verdicts.count(code) >= 10, code
