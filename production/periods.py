"""How often each processor runs, in seconds: one table for beat, the tasks and health."""

from collections.abc import Mapping

PERIODS_S: Mapping[str, float] = {
    "production": 1.0,
    "downtime": 2.0,
    "changeover": 2.0,
    "job_progress": 3.0,
    "oee": 5.0,
    "quality": 5.0,
}
