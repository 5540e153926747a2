"""What only time can tell: the processors that beat starts, each idempotent."""

from production.processors.changeover import changeover
from production.processors.downtime import downtime
from production.processors.figures import production
from production.processors.job_progress import job_progress
from production.processors.oee import oee
from production.processors.quality import quality

__all__ = ["changeover", "downtime", "job_progress", "oee", "production", "quality"]
