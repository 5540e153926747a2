"""Send what was given up once more, because a person says so."""

from datetime import datetime

from andon.choices import DeliveryState
from andon.models import Delivery
from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried

REPEATS = "andon.change_endpoint"
"""What whoever has something sent again must be permitted."""


@retried
def send_again(delivery: Delivery, *, actor: User, at: datetime) -> bool:
    """Let a dead delivery be tried again from now on; False for one that is not dead."""
    with recording():
        row = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        if row.state != DeliveryState.DEAD:
            return False
        row.state = DeliveryState.PENDING
        row.attempts, row.next_try_at, row.dead_at, row.called_at = 0, at, None, None
        row.save(update_fields=["state", "attempts", "next_try_at", "dead_at", "called_at"])
        line = row.step.escalation.call.line
        audit.record(actor, "delivery.send_again", row, line_id=line.code)
    return True
