"""Routes of the pages people look at."""

from django.contrib.auth.views import LogoutView
from django.urls import path, register_converter
from django.urls.converters import StringConverter

from ms5.accounts.forms import SignIn
from realtime import andon_pages, andon_report, pages, report_pages, trend_pages


class CodeConverter(StringConverter):
    """What can be a code; the database refuses to be asked for some of the rest."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


register_converter(CodeConverter, "code")

urlpatterns = [
    path("", pages.overview, name="overview"),
    path("lines/<code:code>/", pages.line, name="line"),
    path("lines/<code:code>/shift/", report_pages.line_shift, name="line-shift"),
    path("lines/<code:code>/oee/", report_pages.oee, name="oee"),
    path("oee/", report_pages.place_oee, name="place-oee"),
    path("equipment/<code:code>/trends/", trend_pages.trends, name="trends"),
    path("downtime/", report_pages.downtime, name="downtime"),
    path("andon/", andon_pages.andon, name="andon"),
    path("andon/recent/", andon_pages.recent, name="andon-recent"),
    path("andon/analytics/", andon_report.andon_analytics, name="andon-analytics"),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
