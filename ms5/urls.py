"""Routes; nothing else."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("ms5.api_urls")),
    path("ws/", include("realtime.urls")),
    path("", include("realtime.page_urls")),
]
