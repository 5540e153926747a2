"""Shared parts of the REST API: pages and the shape of a problem."""

from typing import Any

from django.db import DataError
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler


class Pages(PageNumberPagination):
    """Pages of 100, up to 1,000 by `?page_size=`."""

    page_size_query_param = "page_size"
    max_page_size = 1000


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return DRF's answer to an error with its machine-readable code beside the sentence.

    A date or number that no calendar or column holds, and JSON nested without end, are the caller's.
    """
    match error:
        case OverflowError() | DataError():
            error = ValidationError({"detail": "A value is out of range."}, "out_of_range")
        case RecursionError():
            error = ParseError("The body is nested too deeply.")
    response = exception_handler(error, context)
    if response is not None and isinstance(response.data, dict) and "detail" in response.data:
        # A refused action brings a code of its own.
        response.data.setdefault("code", getattr(response.data["detail"], "code", "error"))
    return response
