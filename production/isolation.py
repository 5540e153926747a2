"""One after another, each by itself, so that a broken one does not silence the others."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import OperationalError

T = TypeVar("T")
Named = Callable[[T], Mapping[str, Any]]


def each_alone(
    items: Iterable[T],
    act: Callable[[T], int],
    named: Named[T],
    log: logging.Logger,
    sentence: str,
) -> tuple[int, list[Exception]]:
    """Return the sum of what `act` returned for the items, and what the broken ones raised.

    Those are logged with the sentence and how each is `named`. When the database itself fails, that is
    raised at once: it is none of theirs.
    """
    done, failed = 0, []
    for item in items:
        try:
            done += act(item)
        except OperationalError:
            raise
        except (
            Exception
        ) as error:  # isolation between the items: the caller raises it when all are done
            log.exception(sentence, extra=dict(named(item)))
            failed.append(error)
    return done, failed


def together_or_alone(
    items: Sequence[T],
    act: Callable[[Sequence[T]], int],
    named: Named[T],
    log: logging.Logger,
    sentence: str,
) -> tuple[int, list[Exception]]:
    """Act on all at once, for the sake of the database; where that fails on each alone, as `each_alone`."""
    try:
        return act(items), []
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - each is done again, and what fails is logged there
        done, failed = each_alone(items, lambda item: act([item]), named, log, sentence)
        if not failed:
            # It would be done twice at each tick, and nobody would know why.
            log.warning("what failed together was done one by one", extra={"error": str(error)})
        return done, failed


def raise_failed(failed: Sequence[Exception], sentence: str) -> None:
    """Raise an ExceptionGroup of what failed, if anything did."""
    if failed:
        raise ExceptionGroup(sentence, failed)
