"""Corrections of downtimes: another reason, split, merged, and ends moved, with the states that follow."""

from datetime import datetime

from ms5.accounts.models import User
from production.actions import correcting_cuts, correcting_ends, correcting_reasons
from production.actions.correcting_cuts import Merged, Split
from production.actions.correcting_ends import Moved
from production.actions.correcting_reasons import Reasoned
from production.actions.downtime_rows import present
from production.actions.drafts import Draft
from production.models import Condition
from production.refusals import demand_version

__all__ = ["Merged", "Moved", "Reasoned", "Split", "draft"]


def draft(
    what: Reasoned | Split | Merged | Moved, condition: Condition, actor: User, at: datetime
) -> Draft:
    """Return what is to be done, or raise ActionRefused. The condition is locked.

    `version` is that of the downtime by which it was decided: refused as `changed` if somebody was quicker.
    """
    row = present(condition, what.downtime_id)
    demand_version(row, what.version)
    match what:
        case Reasoned():
            return correcting_reasons.draft(what, condition, row, actor, at)
        case Split():
            return correcting_cuts.draft_split(what, condition, row, actor, at)
        case Merged():
            return correcting_cuts.draft_merged(what, condition, row, actor, at)
        case Moved():
            return correcting_ends.draft(what, condition, row)
