"""Types that tags had and have no more: a changed program of a controller that tells of none (pure)."""

from collections.abc import Mapping, Sequence

from telemetry.drivers.base import Quality, Reading, TagSpec


class TypesSeen:
    """As what the tags of one controller were last read well, by their id."""

    def __init__(self) -> None:
        self._good: dict[int, TagSpec] = {}

    def other(self, specs: Mapping[int, TagSpec], readings: Sequence[Reading]) -> str:
        """The address of a tag that was good as it is configured and has another type now; else empty.

        `specs` are by the id of the tag, in the order of the readings; of a poll that failed there are none.
        A tag that was configured anew is none: its type may have been wrong from the beginning.
        """
        found = ""
        for (tag, spec), reading in zip(specs.items(), readings, strict=False):
            if reading.quality is Quality.GOOD:
                self._good[tag] = spec
            elif reading.has_other_type and self._good.get(tag) == spec:
                found = found or reading.address
        return found
