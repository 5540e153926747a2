"""Controllers as a Django app."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "telemetry"
    verbose_name = "Controllers"

    def ready(self) -> None:
        from telemetry import checks  # noqa: PLC0415 - settings are whole once the apps are loaded

        checks.install()
