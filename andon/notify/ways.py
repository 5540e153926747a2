"""Which way a message goes, with what the settings say."""

from dataclasses import dataclass

from django.conf import settings

from andon.choices import Channel
from andon.notify import chat, email, webhook
from andon.notify.allowed import Allowed, allowed_of
from andon.notify.message import Message, Refused


@dataclass(frozen=True, slots=True)
class Way:
    """A channel and the address at its end; `secret` signs webhooks."""

    channel: str
    address: str
    secret: str = ""


def allowed() -> Allowed:
    """Return the hosts and networks that may be called. Raises BadEntry, of which a check warns."""
    return allowed_of(settings.WEBHOOK_ALLOWED)


def send(message: Message, way: Way, delivery_id: str, deadline_s: float) -> None:
    """Send the message this way. Raises NotSent or Refused."""
    match way.channel:
        case Channel.EMAIL:
            if not settings.EMAIL_HOST:
                raise Refused("no mail server is set: EMAIL_HOST")
            sender = settings.DEFAULT_FROM_EMAIL
            email.send(message, address=way.address, sender=sender, deadline_s=deadline_s)
        case Channel.WEBHOOK:
            webhook.send(
                message,
                url=way.address,
                secret=way.secret,
                delivery_id=delivery_id,
                allowed=allowed(),
                deadline_s=deadline_s,
            )
        case Channel.APPRISE:
            chat.send(message, address=way.address, allowed=allowed(), deadline_s=deadline_s)
        case other:
            raise Refused(f"nothing is sent by {other}")


def check(channel: str, address: str) -> None:
    """Return when an address may be saved. Raises Refused with what is wrong with it."""
    from andon.notify.exchange import place_of  # noqa: PLC0415 - for forms alone

    match channel:
        case Channel.WEBHOOK:
            place_of(address)
        case Channel.APPRISE:
            chat.check(address, allowed=allowed())
        case _:
            pass
