"""Closed vocabularies of calls and their escalation."""

from django.db.models import TextChoices

from production.choices import AndonCategory, Severity

# Category and priority of a call are the floor's words; they live with the reasons that stand for calls.
Category = AndonCategory
Priority = Severity


class CallStatus(TextChoices):
    """The machine of a call: on the board `open` is WAITING, `acknowledged` COMING, `arrived` THERE."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ARRIVED = "arrived"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


class CallVerb(TextChoices):
    """What happened to a call, for its history."""

    RAISE = "raise", "raised"
    REPEAT = "repeat", "raised again"
    ACKNOWLEDGE = "acknowledge", "acknowledged"
    ARRIVE = "arrive", "arrived"
    RESOLVE = "resolve", "resolved"
    CANCEL = "cancel", "cancelled"
    COMMENT = "comment", "commented"
    SHELVE = "shelve", "shelved"
    UNSHELVE = "unshelve", "taken off the shelf"
    NORMAL = "normal", "back to normal by itself"


class RecipientKind(TextChoices):
    """Whom a level names: everyone of a role, one person, or who is on call."""

    ROLE = "role"
    PERSON = "person"
    DUTY = "duty", "on call"


class Channel(TextChoices):
    """How somebody is told."""

    LIVE = "live", "on the screen"
    EMAIL = "email", "e-mail"
    WEBHOOK = "webhook"
    APPRISE = "apprise", "chat or SMS"


class EscalationStatus(TextChoices):
    """`open`: the first clock runs; `acknowledged`: the second; `closed`: none."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class StepKind(TextChoices):
    """What a row of the schedule does when it is due."""

    LEVEL = "level"
    REMINDER = "reminder"
    RESOLVE_DUE = "resolve_due", "not resolved in time"
    SHELF_END = "shelf_end", "the shelf ends"


class StepState(TextChoices):
    """`collapsed`: missed, and told with a later one; `cancelled`: no longer needed."""

    PENDING = "pending"
    FIRED = "fired"
    COLLAPSED = "collapsed"
    CANCELLED = "cancelled"


class DeliveryState(TextChoices):
    """`sending` is held by a lease; `dead` was given up, which is itself a call."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


class EndpointKind(TextChoices):
    WEBHOOK = "webhook", "signed webhook"
    APPRISE = "apprise", "chat or SMS"


class ContactKind(TextChoices):
    EMAIL = "email", "e-mail"
    APPRISE = "apprise", "chat or SMS"


class RuleKind(TextChoices):
    """What a rule looks at."""

    MESSAGE_BIT = "message_bit", "a message bit"
    REASON = "reason", "a downtime reason that stands for a call"
    LONG_STOP = "long_stop", "a stop longer than its reason allows"
    QUALITY_ALERT = "quality_alert", "a critical quality alert"
    LOST_PLC = "lost_plc", "a lost controller"
    DEAD_DELIVERY = "dead_delivery", "a notification that could not be delivered"
