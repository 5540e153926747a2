"""MS5: settings, composition, and what every app stands on (events, accounts, processes)."""

from ms5.celery import app as celery_app

__all__ = ["celery_app"]
