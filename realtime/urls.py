"""Routes below `/ws/`; the socket itself is in `realtime.routing`."""

from django.urls import path

from realtime import views

urlpatterns = [
    path("health", views.health, name="ws-health"),
    path("events", views.events, name="ws-events"),
]
