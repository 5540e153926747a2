"""The dollar escapes of descriptions that RSLogix and Studio 5000 write (pure)."""

import re

_ESCAPE = re.compile(r"\$([0-9A-Fa-f]{4}|[nNqQtTlLrRpP'$])")
_LETTERS = {"N": "\n", "L": "\n", "R": "\n", "P": "\n", "T": "\t", "Q": '"', "'": "'", "$": "$"}


def unescaped(text: str) -> str:
    """Return the text as a person wrote it, on one line; a dollar that begins no escape is a dollar.

    `$XXXX` is a UTF-16 code unit, so that one beyond the first plane comes as two of them.
    """
    units = _ESCAPE.sub(_character, text)
    joined = units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return " ".join(joined.replace("\0", "").split())


def _character(match: re.Match[str]) -> str:
    said = match[1]
    return chr(int(said, 16)) if len(said) == 4 else _LETTERS[said.upper()]
