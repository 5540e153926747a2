"""The JSON Schema of every message in both directions, derived from the classes (pure)."""

from typing import Any, get_args

import msgspec

from ms5.events.facts import TYPES, EventType, Kind
from realtime import protocol

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TIME = {"type": "string", "format": "date-time"}
_CODE_OR_NULL = {"type": ["string", "null"]}
_CLIENT: tuple[type[msgspec.Struct], ...] = get_args(protocol.ClientMessage)
_SERVER: tuple[type[msgspec.Struct], ...] = (
    protocol.ConnectionEstablished,
    protocol.SubscriptionConfirmed,
    protocol.UnsubscriptionConfirmed,
    protocol.Snapshot,
    protocol.Resumed,
    protocol.Live,
    protocol.Pong,
    protocol.ConnectionStats,
    protocol.SubscriptionDetails,
    protocol.Heartbeat,
    protocol.Error,
)


def client_schemas() -> dict[str, Any]:
    """Return the schema of each message a client may send, by type."""
    return _schemas(_CLIENT)


def server_schemas() -> dict[str, Any]:
    """Return the schema of each message the server sends, by type; events included."""
    schemas = _schemas(_SERVER)
    schemas["snapshot"]["$defs"] |= _definitions(*TYPES.values())
    schemas["snapshot"]["$defs"]["Snapshot"]["properties"]["items"] = {
        "type": "array",
        "items": {"anyOf": [_item(row) for row in TYPES.values() if row.kind is Kind.FACT]},
    }
    return schemas | {type_: _event(row) for type_, row in TYPES.items()}


def _schemas(classes: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for class_ in classes:
        schema = msgspec.json.schema(class_, schema_hook=_anything)
        for definition in schema["$defs"].values():
            # The server sends nothing it does not declare; a client may say more than we know.
            if class_ in _SERVER:
                definition.setdefault("additionalProperties", False)
        tag = class_.__struct_config__.tag
        found[str(tag)] = {"$schema": _DRAFT, **schema}
    return found


def _anything(type_: type) -> dict[str, Any]:
    """Raw is the one type msgspec does not know: text that was encoded before."""
    return {}


def _definitions(*rows: EventType) -> dict[str, Any]:
    classes = [row.data for row in rows]
    _, definitions = msgspec.json.schema_components(classes, ref_template="#/$defs/{name}")
    return definitions


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _item(row: EventType) -> dict[str, Any]:
    return _object(
        {
            "type": {"const": row.name},
            "line_id": _CODE_OR_NULL,
            "equipment_code": _CODE_OR_NULL,
            "data": {"$ref": f"#/$defs/{row.data.__name__}"},
        }
    )


def _event(row: EventType) -> dict[str, Any]:
    envelope: dict[str, Any] = {
        "type": {"const": row.name},
        "timestamp": _TIME,
        "line_id": _CODE_OR_NULL,
        "equipment_code": _CODE_OR_NULL,
    }
    position = {"type": "integer", "minimum": 1}
    if row.kind is Kind.FACT:
        envelope |= {
            "event_id": {"type": "string", "format": "uuid"},
            "stream": {"type": "string"},
            "seq": position,
        }
    else:
        envelope |= {"key": {"type": "string"}, "ver": position, "source_at": _TIME}
    envelope["data"] = {"$ref": f"#/$defs/{row.data.__name__}"}
    return {"$schema": _DRAFT, **_object(envelope), "$defs": _definitions(row)}
