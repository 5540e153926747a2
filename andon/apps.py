"""Calls for help as a Django app."""

from django.apps import AppConfig


class AndonConfig(AppConfig):
    name = "andon"
    verbose_name = "Andon"
