"""Routes; nothing else."""

from django.contrib import admin
from django.urls import include, path

from realtime.alive import alive, alive_now
from realtime.metrics import metrics

urlpatterns = [
    path("admin/alive/", admin.site.admin_view(alive), name="admin-alive"),
    path("admin/alive/now/", admin.site.admin_view(alive_now), name="admin-alive-now"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("ms5.api_urls")),
    path("ws/", include("realtime.urls")),
    path("", include("realtime.page_urls")),
]
