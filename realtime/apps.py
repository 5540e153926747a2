"""The live path as a Django app."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Live path"

    def ready(self) -> None:
        from ms5.events.log import on_append  # noqa: PLC0415 - models exist once the apps are loaded
        from realtime import changes, checks  # noqa: PLC0415
        from realtime.broadcast import announce  # noqa: PLC0415

        on_append(announce)
        changes.follow()
        checks.install()
