"""The entry of uvicorn and daphne: HTTP by Django, sockets by realtime."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ms5.settings")
_django = get_asgi_application()

from ms5.checks import refuse_unsafe  # noqa: E402 - the apps must be loaded first
from realtime.routing import application_for  # noqa: E402

refuse_unsafe()

application = application_for(_django)
