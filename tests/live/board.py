"""What a client shows: open subjects and newest gauges, folded from what its rules let through (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ms5.events.facts import TYPES
from realtime.routes import groups_of
from realtime.targets import SubscriptionType, parse
from tests.live.outputs import Message, is_whole

Item = dict[str, Any]
Key = tuple[str, str | None, Any]
PLANT = "plant"


def stream_of(line_id: str | None) -> str:
    """Return the stream that numbers what concerns this line, or no line."""
    return PLANT if line_id is None else line_id


@dataclass(slots=True)
class Board:
    """`gauges` are (version, data) by (stream, key); `freshness` and `degraded` are as last heard."""

    epoch: str | None = None
    user_id: int = 0
    gauges: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    freshness: dict[str, Any] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    _items: dict[Key, Item] = field(default_factory=dict)

    @property
    def items(self) -> list[Item]:
        """The open subjects, in the order they were first heard of."""
        return list(self._items.values())

    def take(self, message: Message) -> None:
        """Fold a message; those that say nothing of the plant change nothing."""
        match message:
            case {"type": "connection_established", "epoch": epoch, "user": {"id": user_id}}:
                if epoch != self.epoch:
                    self._versions_mean_nothing({stream for stream, _ in self.gauges})
                self.epoch, self.user_id = epoch, user_id
            case {"type": "snapshot"}:
                self._snapshot(message)
            case {"type": "resumed", "streams": streams}:
                self._resumed(streams)
            case {"type": "heartbeat", "freshness": freshness, "degraded": degraded}:
                self.freshness, self.degraded = freshness, degraded
            case {
                "type": "error",
                "code": "FORBIDDEN" | "INVALID_TARGET",
                "subscription_type": "line",
                "target_id": target_id,
            }:
                self._drop(target_id)
            case {"key": key, "ver": ver, "line_id": line_id, "data": data}:
                place = (stream_of(line_id), key)
                if ver > self.gauges.get(place, (0, None))[0]:
                    self.gauges[place] = (ver, data)
            case {"seq": _}:
                self._fold(message)

    def _fold(self, event: Message) -> None:
        row = TYPES[event["type"]]
        item = {name: event[name] for name in ("type", "line_id", "equipment_code", "data")}
        if row.ended_when and event["data"].get(row.ended_when) is not None:
            self._items.pop(_key(item), None)
        else:
            self._items[_key(item)] = item

    def _snapshot(self, message: Message) -> None:
        """Replace what the target hears, on the lines the snapshot speaks of."""
        whole = is_whole(message)
        target = parse(SubscriptionType(message["subscription_type"]), message["target_id"])
        group = target.group(self.user_id)
        for key, item in tuple(self._items.items()):
            spoken_of = whole or stream_of(item["line_id"]) in message["positions"]
            if spoken_of and group in _groups(item):
                del self._items[key]
        for item in message["items"]:
            self._items[_key(item)] = item
        if whole:
            self._keep_only(message["positions"])

    def _resumed(self, streams: dict[str, Any]) -> None:
        self._versions_mean_nothing(
            {stream for stream, outcome in streams.items() if not outcome["recovered"]}
        )
        for stream, outcome in streams.items():
            if outcome["reason"] == "forbidden":
                self._drop(stream)

    def _versions_mean_nothing(self, streams: set[str]) -> None:
        for place, (_, data) in self.gauges.items():
            if place[0] in streams:
                self.gauges[place] = (0, data)

    def _keep_only(self, streams: Iterable[str]) -> None:
        known = set(streams)
        for stream, _ in tuple(self.gauges):
            if stream not in known:
                self._drop(stream)

    def _drop(self, stream: str) -> None:
        for key, item in tuple(self._items.items()):
            if stream_of(item["line_id"]) == stream:
                del self._items[key]
        for place in tuple(self.gauges):
            if place[0] == stream:
                del self.gauges[place]


def _key(item: Item) -> Key:
    row = TYPES[item["type"]]
    return row.family, item["line_id"], item["data"][row.subject]


def _groups(item: Item) -> tuple[str, ...]:
    return groups_of(item["type"], item["line_id"], item["equipment_code"], item["data"].get)
