"""A call put to rest for a time, with a reason, by whoever may; never a critical one."""

from datetime import datetime, timedelta

from andon.actions import schedule
from andon.actions.guards import demand_move, demand_shelvable, demand_shelver
from andon.actions.rows import held, note, write
from andon.choices import CallVerb
from andon.models import AndonCall
from andon.transitions import Move
from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.refusals import ActionRefused

LONGEST = timedelta(hours=8)
"""A shift: who comes after it decides anew."""
LONGEST_REASON = 300


@retried
def shelve(
    call: AndonCall,
    *,
    actor: User,
    at: datetime,
    until: datetime,
    text: str,
    version: int | None = None,
) -> AndonCall:
    """Let an unanswered call rest until then, when it climbs anew by itself, and return it.

    Raises ActionRefused without a reason, for more than a shift, and for a critical call.
    """
    with recording():
        call = held(call)
        demand_shelver(actor, call)
        if call.shelved_until == until and call.shelved_by_id == actor.pk:
            return call
        demand_move(call, Move.SHELVE, version)
        demand_shelvable(call)
        if not text.strip() or len(text) > LONGEST_REASON:
            raise ActionRefused(
                "reason_missing", f"Say why, in at most {LONGEST_REASON} characters."
            )
        if not at < until <= at + LONGEST:
            hours = LONGEST // timedelta(hours=1)
            raise ActionRefused("bad_time", f"A call rests for at most {hours} hours.")
        before = audit.public_fields(call)
        call.shelved_until, call.shelved_by = until, actor
        call.shelf_reason = text.strip()
        schedule.rest(call, until)
        note(call, CallVerb.SHELVE, actor, at, call.shelf_reason)
        write(call, "shelve", before, actor, at)
        schedule.say(call, "shelved", at)
    return call


@retried
def unshelve(
    call: AndonCall, *, actor: User, at: datetime, version: int | None = None
) -> AndonCall:
    """Take a call off the shelf before its time, and return it: it climbs anew from now on."""
    with recording():
        call = held(call)
        demand_shelver(actor, call)
        if call.shelved_until is None:
            return call
        demand_move(call, Move.UNSHELVE, version)
        before = audit.public_fields(call)
        call.shelved_until = None
        schedule.restart(call, at)
        within_s = schedule.ladder_of(call).acknowledge_within_s
        call.acknowledge_due_at = schedule.after(at, within_s)
        note(call, CallVerb.UNSHELVE, actor, at)
        write(call, "unshelve", before, actor, at)
        schedule.say(call, "resumed", at)
    return call
