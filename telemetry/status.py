"""The link of a PLC as a fact: connected, lost, disabled; each change once, on every line it serves."""

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Literal

import msgspec
from django.db import transaction

from ms5.events.facts import PlcStatus
from ms5.events.log import append, recording
from ms5.events.models import Event
from ms5.events.retry import retried
from production.actions import lose
from telemetry import quarantine
from telemetry.choices import LinkStatus
from telemetry.links import Link
from telemetry.models import Plc, PlcLink
from telemetry.wiring import WiredPlc

log = logging.getLogger(__name__)

_REASON = 200
"""Characters of the reason that an equipment keeps."""
_MARK = 200
"""Characters of a program's mark, and of what is said of the load."""
_STATUS: Mapping[str, Literal["connected", "lost", "disabled"]] = {
    LinkStatus.CONNECTED: "connected",
    LinkStatus.LOST: "lost",
    LinkStatus.DISABLED: "disabled",
}


def begin(plc_ids: Sequence[int]) -> None:
    """Give each PLC that has none its row, of a link of which nothing is known."""
    PlcLink.objects.bulk_create([PlcLink(plc_id=key) for key in plc_ids], ignore_conflicts=True)


def announced(plc_ids: Collection[int]) -> Mapping[int, str]:
    """Return what was last announced of these links; nothing of one that has never been."""
    rows = PlcLink.objects.filter(plc__in=plc_ids, since__isnull=False)
    return dict(rows.values_list("plc", "status"))


def programs(plc_ids: Collection[int]) -> Mapping[int, str]:
    """Return the mark of the program that each PLC was last read with, where it has one."""
    rows = PlcLink.objects.filter(plc__in=plc_ids).exclude(program="")
    return dict(rows.values_list("plc", "program"))


def deleted(plc_ids: Collection[int]) -> set[int]:
    """Keep the PLCs that are no more; the others have only moved to another shard."""
    return set(plc_ids) - set(Plc.objects.filter(pk__in=plc_ids).values_list("pk", flat=True))


def note(links: Sequence[Link], now: datetime) -> None:
    """Note in the rows how the last poll of each went, where that is not news.

    The error of a link that is announced as lost or disabled is part of what was announced, and stays. Where
    another worker has announced something else since we did, ours is to be announced anew.
    """
    answered = {
        link.plc.id: link
        for link in links
        if link.failures == 0 and link.status == LinkStatus.CONNECTED
    }
    if answered:
        rows = PlcLink.objects.filter(plc__in=answered, status=LinkStatus.CONNECTED)
        as_we_know = rows.update(last_ok_at=now, last_try_at=now, failures=0, error="")
        if as_we_know < len(answered):
            _believe(answered)
    for link in links:
        noted = (link.program, link.load, link.period_s)
        if link.noted != noted:
            PlcLink.objects.filter(plc=link.plc.id).update(
                program=link.program[:_MARK], load=link.load[:_MARK], period_s=link.period_s
            )
            transaction.on_commit(partial(_has_noted, link, noted))
        if link.failures:
            row = PlcLink.objects.filter(plc=link.plc.id)
            row.update(last_try_at=now, failures=link.failures)
            if link.status == LinkStatus.LOST:
                _believe({link.plc.id: link})
            if link.status in {"", LinkStatus.CONNECTED}:
                row.update(error=link.error)


def _believe(links: Mapping[int, Link]) -> None:
    """Take over what was last announced of these, by whichever worker.

    Not that one is disabled, which is for who reads the configuration to say and to take back.
    """
    for key, known in announced(links.keys()).items():
        if known != LinkStatus.DISABLED:
            links[key].status = known


def _has_noted(link: Link, noted: tuple[str, str, float | None]) -> None:
    link.noted = noted


@retried
def connected(plc: WiredPlc, now: datetime) -> bool:
    """The PLC answered. Return whether that was news; a repeat changes nothing."""
    with recording():
        link = _locked(plc)
        if link is None or link.status == LinkStatus.CONNECTED:
            return False
        link.last_ok_at = link.last_try_at = now
        link.failures, link.error = 0, ""
        _become(link, plc, LinkStatus.CONNECTED, now, now)
    log.info("link connected", extra={"plc": plc.code})
    return True


@retried
def lost(plc: WiredPlc, now: datetime, *, failures: int, error: str) -> bool:
    """The PLC does not answer any more: so nothing is known of the equipment at home in it.

    Return whether that was news; of one that is lost already another error is. The equipment is told that
    its readings ended with its last good one.
    """
    with recording():
        link = _locked(plc)
        known = link is not None and link.status == LinkStatus.LOST and link.since is not None
        if link is None or (known and link.error == error):
            return False
        link.failures, link.error, link.last_try_at = failures, error, now
        _become(link, plc, LinkStatus.LOST, link.since if known and link.since else now, now)
        lose([each.id for each in plc.homes], f"{plc.name} is lost: {error}"[:_REASON], now)
    log.warning("link lost", extra={"plc": plc.code, "failures": failures, "error": error})
    return True


def told_on(codes: Collection[str]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return which equipment on which lines these PLCs were last said to serve; none of one never spoken of."""
    newest: dict[tuple[str, str | None], Collection[str]] = {}
    rows = Event.objects.filter(type="plc_status").order_by("stream", "seq")
    for line, text in rows.values_list("line_id", "text").iterator():
        data = msgspec.json.decode(text)["data"]
        if data["plc"] in codes:
            has_left = data.get("left_at") is not None
            newest[data["plc"], line] = () if has_left else data["equipment_codes"]
    found: dict[str, list[tuple[str, str]]] = {code: [] for code, _ in newest}
    for (code, line), equipment in newest.items():
        found[code] += [(line, each) for each in equipment if line is not None]
    return {code: tuple(sorted(serves)) for code, serves in found.items()}


@retried
def disabled(plc: WiredPlc, homeless: Sequence[int], now: datetime) -> bool:
    """A person disabled the PLC. `homeless` are the equipment that no other PLC speaks for now."""
    with recording():
        link = _locked(plc)
        if link is None or link.status == LinkStatus.DISABLED:
            return False
        link.failures, link.error = 0, ""
        _become(link, plc, LinkStatus.DISABLED, now, now)
        lose(homeless, f"{plc.name} is disabled."[:_REASON], now)
    log.info("link disabled", extra={"plc": plc.code})
    return True


@retried
def removed(plc: WiredPlc, homeless: Sequence[int], now: datetime) -> None:
    """A person deleted the PLC: its boards hear it as disabled, and for the last time."""
    with recording():
        gone = PlcLink(plc_id=plc.id, status=LinkStatus.DISABLED, since=now)
        for line, fact in _facts(gone, plc, left_at=now).items():
            append("plc_status", fact, occurred_at=now, line_id=line)
        lose(homeless, f"{plc.name} was removed."[:_REASON], now, for_good=True)
    log.info("link removed", extra={"plc": plc.code})


@retried
def described(plc: WiredPlc, now: datetime, *, before: WiredPlc) -> None:
    """The name of the PLC or what it serves was edited: boards that know its link hear it anew.

    Those of a line that it serves no more hear that it has left.
    """
    with recording():
        link = _locked(plc)
        if link is None or link.since is None:
            return
        told = _facts(link, plc)
        left = _facts(link, before, left_at=now)
        for line, fact in ({**left, **told}).items():
            append("plc_status", fact, occurred_at=now, line_id=line)


def _locked(plc: WiredPlc) -> PlcLink | None:
    """Lock the row of the link; None when the PLC has just been deleted."""
    return PlcLink.objects.select_for_update().filter(plc_id=plc.id).first()


def _become(
    link: PlcLink, plc: WiredPlc, status: LinkStatus, since: datetime, now: datetime
) -> None:
    link.status, link.since = status, since
    link.save()
    _say(link, plc, now)


def _say(link: PlcLink, plc: WiredPlc, now: datetime) -> None:
    for line, fact in _facts(link, plc).items():
        append("plc_status", fact, occurred_at=now, line_id=line)


def _facts(
    link: PlcLink, plc: WiredPlc, left_at: datetime | None = None
) -> Mapping[str | None, PlcStatus]:
    return facts_of(
        code=plc.code,
        name=plc.name,
        protocol=plc.protocol,
        link=link,
        serves=plc.serves,
        distrusted=quarantine.standing([plc.id]).get(plc.id, ""),
        left_at=left_at,
    )


def facts_of(
    *,
    code: str,
    name: str,
    protocol: str,
    link: PlcLink,
    serves: Sequence[tuple[str, str]],
    distrusted: str = "",
    left_at: datetime | None = None,
) -> Mapping[str | None, PlcStatus]:
    """Return the public state of a link per line it serves, with the equipment of that line only.

    `distrusted` is why no value of it counts although it answers, and is its error then. `left_at` is when
    it has ceased to serve these lines.

    One that serves no line stands under None. Nothing in it moves without a change of the link, so that a
    board that has heard every fact holds what a fresh one is given. Raises ValueError for a link of which
    nothing has been announced yet.
    """
    if link.since is None:
        raise ValueError(f"nothing is known of {code} yet")
    by_line: dict[str | None, list[str]] = defaultdict(list)
    for line, equipment in serves:
        by_line[line].append(equipment)
    answers = link.status == LinkStatus.CONNECTED
    return {
        line: PlcStatus(
            plc=code,
            name=name,
            protocol=protocol,
            status=_STATUS[link.status],
            since=link.since,
            last_ok_at=None if answers else link.last_ok_at,
            error=(distrusted if answers else link.error or distrusted) or None,
            equipment_codes=codes,
            left_at=left_at,
        )
        for line, codes in (by_line or {None: []}).items()
    }
