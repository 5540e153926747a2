"""The log as a Django app."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "ms5.events"
    label = "events"
    verbose_name = "Event log"
