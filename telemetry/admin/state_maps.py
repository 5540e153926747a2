"""The field of a state map, which shows again whatever was written into it."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

_NO_JSON = "It is nested too deeply, or holds a text or a number that is none."


class StateMapField(forms.JSONField):
    """JSON that can be stored and shown; Django's own fails on what Python reads but cannot print."""

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value)
            json.dumps(found, ensure_ascii=False).encode()
        except (RecursionError, ValueError) as wrong:
            raise ValidationError(_NO_JSON, code="invalid") from wrong
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            self.to_python(data)
        except ValidationError:
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)
