"""Bodies of the REST API that no database and no answer could hold are refused as they are read."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class TextJSONParser(JSONParser):
    """JSON whose texts are Unicode: an escaped half of a surrogate pair can be written in no encoding.

    Bodies of forms need no such parser: what is no UTF-8 in them, Django replaces as it reads them.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what the body says. Raises ParseError, which is answered with 400."""
        body: Any = super().parse(stream, media_type, parser_context)
        waiting: list[Any] = [body]
        while waiting:
            match waiting.pop():
                case dict() as fields:
                    waiting += [*fields.keys(), *fields.values()]
                case list() as items:
                    waiting += items
                case str() as text if not _is_unicode(text):
                    raise ParseError("The body has text that is not valid Unicode.")
        return body


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
