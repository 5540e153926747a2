"""Shared parts of the REST API: pages and the shape of a problem."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db import DataError
from django.http import Http404
from rest_framework.exceptions import ErrorDetail, NotFound, ParseError, ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler

PROBLEMS = """
**Problems.** What is not done is answered with `detail`, a sentence, and `code`, a word for programs; both are
always there. Beside them `errors` holds what is wrong with each field of the body or parameter of the query,
all of them at once: `{"detail": "good: A valid integer is required.", "code": "invalid",
"errors": {"good": ["A valid integer is required."]}}`. A field that is not known
is refused. 409 has the present object as `present`: it is what stands against the action.
"""
_LONGEST = 1000
_NOT_FOUND = re.compile(r"No (\w+) matches the given query\.")


class Pages(PageNumberPagination):
    """Pages of 100, up to 1,000 by `?page_size=`."""

    page_size_query_param = "page_size"
    max_page_size = 1000


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an error: always a sentence and a code, and what is wrong with each field.

    A date or number that no calendar or column holds, and JSON nested without end, are the caller's.
    """
    match error:
        case OverflowError() | DataError():
            error = ValidationError({"detail": "A value is out of range."}, "out_of_range")
        case RecursionError():
            error = ParseError("The body is nested too deeply.")
        case Http404():
            error = NotFound(_not_there(error))
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(response.data, dict) and isinstance(response.data.get("detail"), str):
        # A refused action brings a code of its own.
        response.data.setdefault("code", getattr(response.data["detail"], "code", "error"))
    else:
        response.data = _of_fields(response.data)
    return response


def _not_there(error: Http404) -> str:
    """Return our sentence for what the framework did not find."""
    found = _NOT_FOUND.fullmatch(str(error))
    for model in apps.get_models():
        options = model._meta  # noqa: SLF001 - Django's documented API
        if found is not None and options.object_name == found[1]:
            return f"There is no such {options.verbose_name}."
    return "There is nothing here of that name."


def _of_fields(wrong: Any) -> dict[str, Any]:
    """Return the shape for errors of fields; what is of none of them is told by the sentence alone."""
    fields = dict(wrong) if isinstance(wrong, Mapping) else {"non_field_errors": wrong}
    told = [*_told(fields)]
    sentence = " ".join(f"{path}: {text}" if path else text for path, text in told)
    codes = {text.code for _, text in told}
    body = {
        "detail": sentence[:_LONGEST] or "That cannot be.",
        "code": codes.pop() if len(codes) == 1 else "invalid",
    }
    errors = {
        name: [said] if isinstance(said, str) else said
        for name, said in fields.items()
        if name not in _OF_ALL
    }
    return body | ({"errors": errors} if errors else {})


_OF_ALL = ("non_field_errors", "detail")


def _told(wrong: Any, path: str = "") -> Iterator[tuple[str, ErrorDetail]]:
    """Yield each sentence with the path of its field, such as `rejects[0].defect`."""
    match wrong:
        case Mapping():
            for name, inner in wrong.items():
                inside = f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}"
                yield from _told(inner, path if name in _OF_ALL else inside.lstrip("."))
        case list():
            for place, inner in enumerate(wrong):
                inside = path if isinstance(inner, str) else f"{path}[{place}]"
                yield from _told(inner, inside)
        case ErrorDetail():
            yield path, wrong
        case _:
            yield path, ErrorDetail(str(wrong), "invalid")


_PROBLEM = {
    "type": "object",
    "description": "Why it was not done.",
    "properties": {
        "detail": {"type": "string", "description": "A sentence for people."},
        "code": {"type": "string", "description": "A word for programs."},
        "errors": {
            "type": "object",
            "additionalProperties": {},
            "description": "What is wrong with each field, by its name.",
        },
        "present": {
            "type": "object",
            "additionalProperties": {},
            "description": "409 only: the present object that stands against it.",
        },
    },
    "required": ["detail", "code"],
}
_READS = {"400": "A parameter is wrong or not known.", "403": "It is not for you to see."}
_ACTS = {
    "400": "The body is wrong, or what it asks for cannot be.",
    "403": "It is not for you or your token to do; the sentence says what is missing.",
    "409": "The present object, told as `present`, stands against it.",
}


def problems_told(
    result: dict[str, Any], generator: Any, request: Any, public: Any
) -> dict[str, Any]:
    """Return the schema with the problems that every endpoint may answer."""
    result["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    info = result["info"]
    info["description"] = f"{info['description']}\n{PROBLEMS}"
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            told = dict(_READS if method == "get" else _ACTS)
            if "{" in path:
                told["404"] = "There is no such thing, or not on a line that you see."
            for status, why in told.items():
                operation["responses"].setdefault(
                    status, {"description": why, "content": content}
                )
    return result
