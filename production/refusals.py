"""Why an action was refused: a sentence for a person, a code for a program, and the row as it is."""

from django.db import models


class ActionRefused(Exception):
    """What was asked cannot be done. `row` is the present object, where one stands against it.

    The API answers 409 with the object where there is a row, else 400.
    """

    def __init__(self, code: str, sentence: str, row: models.Model | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.row = row


class NotAllowed(ActionRefused):
    """What was asked is not for this person to do to this object. The API answers 403."""

    def __init__(self, sentence: str) -> None:
        super().__init__("not_allowed", sentence)


def demand_version(row: models.Model, version: int | None) -> None:
    """Raise ActionRefused when `version` is given and the row has changed since."""
    present = getattr(row, "version", None)
    if version is not None and version != present:
        raise ActionRefused("changed", "Somebody changed it meanwhile; look at it again.", row)
