"""An open subject as it stands in a snapshot; its data is that of the newest event about it."""

import msgspec

from ms5.events.facts import Data


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a snapshot. `type` is the event type whose data this is."""

    type: str
    line_id: str | None
    equipment_code: str | None
    data: Data
