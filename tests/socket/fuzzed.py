"""A client under fuzz, and what each of its frames may be answered."""

import json
from functools import cache

import jsonschema

from realtime.frames import Refused, parse_frame, target_of
from realtime.limits import HARD_FRAME_BYTES
from realtime.protocol import (
    Auth,
    ErrorCode,
    GetStats,
    GetSubscriptions,
    Ping,
    Resume,
    Subscribe,
    Unsubscribe,
)
from realtime.schemas import server_schemas
from realtime.targets import Scope
from tests.rude import Ended, Rude, text

# Each answer of the server to a frame; everything else comes by itself, or after one of them.
ANSWERS = {
    *("error", "pong", "connection_stats", "subscription_details"),
    *("subscription_confirmed", "unsubscription_confirmed", "resumed"),
}
OF_ONE_WORD = {
    Ping: "pong",
    GetStats: "connection_stats",
    GetSubscriptions: "subscription_details",
    Auth: ErrorCode.AUTH_FAILED,
}


@cache
def _validators():
    return {
        type_: jsonschema.Draft202012Validator(schema)
        for type_, schema in server_schemas().items()
    }


class Fuzzed:
    """A connection that sends volleys, and takes the answers to each until its ping comes back."""

    def __init__(self, port, key, protocol):
        self.port, self.key, self.protocol = port, key, protocol
        self.bytes = bytearray()
        self.volleys = 0
        self._open()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _open(self):
        self.rude = Rude(self.port).open(self.key, protocol=self.protocol)
        self.rude.expect("connection_established")

    def shoot(self, payloads):
        """Send the payloads and a ping behind them."""
        self.volleys += 1
        ping = json.dumps({"type": "ping", "t": f"volley {self.volleys}"})
        self.rude.send(b"".join(map(text, payloads)) + text(ping))

    def answers(self):
        """Return the label of each answer to the volley, and the code of the close if that was its end."""
        labels, replaying = [], False
        try:
            for message in self.rude.messages(60):
                type_ = message["type"]
                _validators()[type_].validate(message)
                if type_ == "pong" and message["t"] == f"volley {self.volleys}":
                    return labels, None
                if type_ in ANSWERS and not replaying:
                    labels.append(message.get("code", type_))
                # What a resume brings up to its end belongs to that one answer.
                replaying = (replaying or type_ == "resumed") and type_ != "live"
        except Ended as ended:
            self.begin_again()
            return labels, ended.code
        raise AssertionError

    def begin_again(self):
        """Come back as a new connection."""
        self.close()
        self._open()

    def close(self):
        self.bytes += self.rude.received
        self.rude.socket.close()


def may_be_answered(payload, limits):
    """Return the code of the close; or for each answer, in order, what it may be.

    With each goes how many refusals of a target follow it: none, but for those that a resume leaves out.
    """
    if len(payload) > HARD_FRAME_BYTES:
        return 1009
    try:
        frame = payload.decode()
    except UnicodeDecodeError:
        return 1007
    try:
        return _answers_to(parse_frame(frame, limits))
    except Refused as refused:
        return [{refused.code: 0}]


def _answers_to(message):
    match message:
        case Subscribe():
            return [_of_wish(wish) for wish in message.wishes]
        case Unsubscribe():
            return [_of_wish(wish, "unsubscription_confirmed") for wish in message.wishes]
        case Resume():
            wishes = message.subscriptions or ()
            bad = {code: 0 for wish in wishes for code in [_refusal(wish)] if code}
            unseen = {
                target_of(wish) for wish in wishes if not bad and not seen(target_of(wish))
            }
            return [{"resumed": len(unseen), ErrorCode.RESUME_INVALID: 0} | bad]
        case _:
            return [{OF_ONE_WORD[type(message)]: 0}]


def seen(target):
    """Whether the viewer of tests.socket.conftest.Floor sees it."""
    own = {(Scope.LINE, "L-OWN"), (Scope.EQUIPMENT, "M.OWN")}
    return target.is_wide or (target.scope, target.value) in own


def _refusal(wish):
    try:
        target_of(wish)
    except Refused as refused:
        return refused.code
    return None


def _of_wish(wish, answer=None):
    code = _refusal(wish)
    if code is not None:
        return {code: 0}
    if answer is None:
        visible = seen(target_of(wish))
        answer = "subscription_confirmed" if visible else ErrorCode.INVALID_TARGET
        return {answer: 0, ErrorCode.LIMIT_SUBSCRIPTIONS: 0}
    return {answer: 0}
