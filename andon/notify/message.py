"""What is sent, and the two ways in which sending fails (pure)."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One message: for people `subject` and `text`, for programs `data`.

    `key` is the same at every attempt, so that a receiver can tell a repeat from news.
    """

    key: str
    subject: str
    text: str
    data: dict[str, Any] = field(default_factory=dict)


class NotSent(Exception):
    """It did not go this time; later it may."""


class Refused(Exception):
    """It will not go, however often it is tried: what is wrong must be mended by somebody."""
