"""What the bodies and queries of requests may say: nothing but what they are asked for, told all at once."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from production.visibility import limited

if TYPE_CHECKING:
    Slug = serializers.SlugRelatedField[Any]
else:
    Slug = serializers.SlugRelatedField

MOST_NAMED = 20
LONGEST_NAME = 60
# The form of a browser says it beside its fields.
_CSRF = "csrfmiddlewaretoken"


class Body(serializers.Serializer[Any]):
    """A body that refuses fields it does not know, beside all else that is wrong with it.

    Fields that can only be read are let through, so that an object can be sent back as it was got.
    """

    word: ClassVar[str] = "field"
    default_error_messages: ClassVar[Any] = {"invalid": "A JSON object is needed here."}

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; those that name another object say in our words that it is not there."""
        fields = super().get_fields()
        for field in fields.values():
            rows = getattr(field, "queryset", None)
            if isinstance(field, serializers.RelatedField) and rows is not None:
                what = rows.model._meta.verbose_name  # noqa: SLF001 - Django's documented API
                field.error_messages["does_not_exist"] = f"There is no such {what}."
        return fields

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._unknown(data) if isinstance(data, Mapping) else {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as wrong:
            if unknown and isinstance(wrong.detail, dict):
                raise serializers.ValidationError({**wrong.detail, **unknown}) from wrong
            raise
        if unknown:
            raise serializers.ValidationError(unknown)
        return value

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, Any]:
        # A form names what lies within a field `field[0]within` or `field.within`.
        is_form = hasattr(data, "getlist")
        known = {name for name, field in self.fields.items() if not field.read_only}
        names = [
            name
            for name in data
            if name not in self.fields
            and not (is_form and (name == _CSRF or name.split("[")[0].split(".")[0] in known))
        ]
        return unknown_names(names, known, self.word)


class Query(Body):
    """The parameters of a question, of which none is unknown either."""

    word = "parameter"


def unknown_names(names: list[str], known: set[str], word: str) -> dict[str, Any]:
    """Return what is wrong with names that are not known, by the first of them."""
    return {
        name[:LONGEST_NAME]: [ErrorDetail(_said(name, known, word), f"unknown_{word}")]
        for name in names[:MOST_NAMED]
    }


def _said(name: str, known: set[str], word: str) -> str:
    meant = get_close_matches(name[:LONGEST_NAME], known, n=1)
    if meant:
        return f"There is no such {word}; it is `{meant[0]}`."
    return f"There is no such {word}."


def demand_known_parameters(request: Request, known: set[str]) -> None:
    """Raise ValidationError that names every parameter of the query that is not known."""
    names = [name for name in request.query_params if name not in known]
    if names:
        raise serializers.ValidationError(unknown_names(names, known, "parameter"))


class VisibleCode(Slug):
    """A related object of a line, named by its code; those of foreign lines do not exist here."""

    def __init__(self, *, within: str, **kwargs: Any) -> None:
        kwargs.setdefault("slug_field", "code")
        super().__init__(**kwargs)
        self.within = within

    def get_queryset(self) -> Any:
        rows: QuerySet[Any] | None = super().get_queryset()
        if rows is None:
            raise ImproperlyConfigured(
                "A choice of visible objects needs the rows to choose from."
            )
        return limited(rows, self.context["request"].user, self.within)
