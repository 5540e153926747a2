"""What a correction is about to do: its subject, its fields before and after, and the deed itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from production.choices import CorrectionKind, CorrectionSubject
from production.models import Condition, Correction, Downtime
from production.refusals import ActionRefused

Scalar = str | int | float | bool | None
Fields = dict[str, Scalar]


class Row(TypedDict):
    """A row that a correction changes, for a person who decides whether to save."""

    subject: str
    id: int | None
    before: Fields
    after: Fields


@dataclass(slots=True)
class Changed:
    """What became of it: downtimes to speak of, jobs to count anew, and the rows by subject."""

    downtimes: list[Downtime] = field(default_factory=list)
    jobs: set[int] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Draft:
    """A correction that has been checked and not been made. `make` changes the rows, once."""

    condition: Condition
    subject: CorrectionSubject
    subject_id: int
    what: CorrectionKind
    before: Fields
    after: Fields
    affected_from: datetime
    affected_to: datetime
    make: Callable[[Correction], Changed]
    undoes: Correction | None = None


def refuse(code: str, sentence: str, row: Downtime | None = None) -> ActionRefused:
    """Return the refusal, with the present object where one stands against it."""
    return ActionRefused(code, sentence, row)


def moment(at: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC, as `before` and `after` hold it."""
    return at.isoformat() if at is not None else None
