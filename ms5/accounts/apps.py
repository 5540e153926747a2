"""Users, roles, tokens and the audit as a Django app."""

from django.apps import AppConfig

from ms5 import checks


class AccountsConfig(AppConfig):
    name = "ms5.accounts"
    label = "accounts"
    verbose_name = "People and programs"

    def ready(self) -> None:
        checks.install()
