"""What raised a call is over by itself: nobody is told any more, and the call waits to be seen."""

from datetime import datetime

from andon.actions import schedule
from andon.actions.rows import held, note
from andon.choices import CallVerb
from andon.models import AndonCall
from ms5.events.log import recording
from ms5.events.retry import retried


@retried
def back_to_normal(call: AndonCall, at: datetime) -> AndonCall:
    """Say that what a rule called for is over, and return the call (ISA-18.2: return to normal).

    Its escalation stops; it stays open, latched, until somebody acknowledges it. Idempotent.
    """
    with recording():
        call = held(call)
        if call.ended_at is not None or call.normal_at is not None:
            return call
        call.normal_at = at
        call.shelved_until = None
        call.version += 1
        call.save()
        schedule.close(call, at)
        note(call, CallVerb.NORMAL, None, at)
        schedule.say_call(call, at)
        schedule.say(call, "closed", at)
    return call
