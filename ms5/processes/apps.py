"""Heartbeats and leases as a Django app."""

from django.apps import AppConfig


class ProcessesConfig(AppConfig):
    name = "ms5.processes"
    label = "processes"
