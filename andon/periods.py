"""How often calls are looked after, in seconds: one table for beat, the tasks and health."""

from collections.abc import Mapping

PERIODS_S: Mapping[str, float] = {
    "andon": 1.0,
    "deliveries": 2.0,
}
