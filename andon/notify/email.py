"""E-mail, through Django's own backend and its settings EMAIL_..."""

import smtplib

from django.core.mail import EmailMessage, get_connection

from andon.notify.message import Message, NotSent, Refused


def send(message: Message, *, address: str, sender: str, deadline_s: float) -> None:
    """Hand the message over to the mail server. Raises Refused where that will never have it, else NotSent.

    Its Message-ID comes of the key, so that a mail program that was given it twice shows it once.
    """
    domain = sender.rpartition("@")[2].strip("> ") or "localhost"
    connection = get_connection(timeout=deadline_s)
    mail = EmailMessage(
        subject=" ".join(message.subject.split()),
        body=message.text,
        from_email=sender,
        to=[address],
        connection=connection,
        headers={
            "Message-ID": make_msgid_of(message.key, domain),
            "X-MS5-Key": message.key,
            "Auto-Submitted": "auto-generated",
        },
    )
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()))
        sentence = f"{code} {said.decode(errors='replace')}"
        raise (Refused if code >= 500 else NotSent)(sentence) from refused
    except (OSError, smtplib.SMTPException) as failure:
        raise NotSent(str(failure).strip() or type(failure).__name__) from failure
    except (
        ValueError
    ) as bad:  # an address with a line break in it, a letter the protocol has not
        raise Refused(str(bad)) from bad


def make_msgid_of(key: str, domain: str) -> str:
    """Return a Message-ID that is the same for the same key."""
    letters = "".join(each if each.isalnum() and each.isascii() else "." for each in key)
    return f"<ms5.{letters.strip('.')}@{domain}>"
