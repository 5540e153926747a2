"""The public form of corrections."""

from typing import Literal, cast

from ms5.events import facts
from production.models import Correction

# As the event declares them; `append()` checks the values.
Subject = Literal["downtime", "span", "count"]
What = Literal["reason", "split", "merge", "ends", "count", "undo"]
LONGEST_NAME, LONGEST_SENTENCE = 100, 500


def correction_of(row: Correction) -> facts.Correction:
    """Return a correction as its fact tells it."""
    return facts.Correction(
        id=row.pk,
        equipment_code=row.equipment.code,
        subject=cast(Subject, row.subject),
        subject_id=row.subject_id,
        what=cast(What, row.what),
        undoes=row.undoes_id,
        by=row.by_name[:LONGEST_NAME],
        by_id=row.by_id,
        reason=row.reason[:LONGEST_SENTENCE],
        before=row.before,
        after=row.after,
        corrected_at=row.corrected_at,
        affected_from=row.affected_from,
        affected_to=row.affected_to,
        oee_before=row.oee_before,
        oee_after=row.oee_after,
    )
