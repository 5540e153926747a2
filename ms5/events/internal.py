"""Facts that the server tells itself, on the stream `sys`; no client ever hears one."""

from collections.abc import Mapping
from datetime import datetime

from ms5.events.facts import Data


class Canary(Data, frozen=True, kw_only=True):
    """A sign that the log takes facts; who follows the log measures by it that they arrive."""

    written_at: datetime
    instance: str
    """`host:pid` of the process that wrote it."""


INTERNAL: Mapping[str, type[Data]] = {"canary": Canary}
