"""What rules watch: begun and ended as facts tell, and the calls that follow. Locks: cursor, watches, calls."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256

from django.db import connection

from andon.actions.calls import raise_call
from andon.actions.returning import back_to_normal
from andon.choices import CallVerb, RuleKind
from andon.judging import (
    Circumstances,
    Meaning,
    Quiet,
    Sighting,
    Terms,
    Verdict,
    Wanted,
    decide,
    wanted,
)
from andon.models import AndonCall, Rule, Watch
from ms5.events.log import recording
from ms5.events.retry import retried
from production.models import Downtime, Equipment, Line, QualityAlert, Reason

_PERSON_CALLED = (CallVerb.RAISE, CallVerb.REPEAT)


class Rules:
    """The rules, and what reasons stand for; read once for all that is seen with them."""

    def __init__(self) -> None:
        rows = Rule.objects.select_related("equipment", "reason").order_by("pk")
        self._rules = [(row, _terms(row)) for row in rows]
        self._meanings: Mapping[str, Meaning] = {
            row.code: Meaning(row.andon_category, row.andon_priority, row.escalate_after_min)
            for row in Reason.objects.order_by("pk")
        }
        told = repr([(row.pk, row.is_active, terms) for row, terms in self._rules])
        self.digest = sha256(f"{told}{self._meanings}".encode()).hexdigest()
        """Differs when anything was edited that decides what is watched."""

    def see(self, line: Line, seen: Sighting, now: datetime) -> None:
        """Let each rule begin or end to watch it, inside the caller's action."""
        for rule, terms in self._rules:
            if terms.kind is seen.kind:
                asked = wanted(terms, line.pk, seen, self._meanings)
                # A rule that is not used any more only ends what it has begun.
                self._follow(rule, line, seen, asked if rule.is_active else None, now)

    def _follow(
        self, rule: Rule, line: Line, seen: Sighting, asked: Wanted | None, now: datetime
    ) -> None:
        rows = Watch.objects.select_for_update().filter(
            rule=rule, subject=seen.subject, line=line, ended_at__isnull=True
        )
        watch = rows.first()
        if watch is not None and (asked is None or _is_another(watch, asked)):
            end(watch, now)
            watch = None
        if asked is None:
            return
        if watch is None:
            equipment = Equipment.objects.filter(code=seen.equipment_code).first()
            watch = Watch(rule=rule, subject=seen.subject, line=line, equipment=equipment)
        elif (watch.due_at, watch.text) == (asked.due_at, asked.text):
            return
        watch.since, watch.due_at, watch.text = seen.since, asked.due_at, asked.text
        watch.category, watch.priority = asked.category, asked.priority
        watch.save()


def end(watch: Watch, now: datetime) -> None:
    """End a watch, inside the caller's action; a call that only rules have raised is back to normal then."""
    watch.ended_at = now
    watch.save()
    call = watch.call
    if call is None or call.ended_at is not None:
        return
    others = Watch.objects.filter(call=call, ended_at__isnull=True)
    by_people = call.events.filter(verb__in=_PERSON_CALLED, by__isnull=False)
    if not others.exists() and not by_people.exists():
        back_to_normal(call, now)


def end_unseen(line: Line, seen: Iterable[Sighting], now: datetime) -> None:
    """End what is watched on the line and is not among what is seen, inside the caller's action."""
    lasting = {(each.kind.value, each.subject) for each in seen if each.lasts}
    watches = Watch.objects.select_for_update(of=("self",)).select_related("rule")
    for watch in watches.filter(line=line, ended_at__isnull=True).order_by("pk"):
        # Of a controller only its own fact says that it answers again.
        is_told = watch.rule.kind != RuleKind.LOST_PLC or any(
            each.subject == watch.subject for each in seen
        )
        if is_told and (watch.rule.kind, watch.subject) not in lasting:
            end(watch, now)


@retried
def judge(watch_id: int, circumstances: Circumstances, now: datetime) -> int:
    """Raise the call of a watch if its time has come and nothing speaks against it; return 1 if it did.

    Idempotent: the call and that it was raised are one transaction.
    """
    with recording():
        skips = connection.features.has_select_for_update_skip_locked
        free = Watch.objects.select_for_update(skip_locked=skips).filter(
            pk=watch_id, call__isnull=True, ended_at__isnull=True
        )
        if free.only("pk").first() is None:
            return 0
        watch = Watch.objects.select_related("rule", "line", "equipment").get(pk=watch_id)
        decision = decide(now, watch.due_at, _quiet(watch.rule), circumstances)
        if decision.verdict is not Verdict.RAISE:
            if watch.why != decision.why:
                watch.why = decision.why
                watch.save(update_fields=["why"])
            return 0
        watch.call = _raise(watch, now)
        watch.why = ""
        watch.save(update_fields=["call", "why"])
    return 1


def _raise(watch: Watch, now: datetime) -> AndonCall:
    kind, _, number = watch.subject.partition(":")
    downtime = Downtime.objects.filter(pk=number).first() if kind == "downtime" else None
    alert = QualityAlert.objects.filter(pk=number).first() if kind == "alert" else None
    return raise_call(
        watch.line,
        equipment=watch.equipment,
        category=watch.category,
        priority=watch.priority,
        description=watch.text,
        rule=watch.rule,
        downtime=downtime,
        quality_alert=alert,
        at=now,
    )


def _is_another(watch: Watch, asked: Wanted) -> bool:
    """Whether what is asked for is another call than the one that was raised."""
    return watch.call_id is not None and (watch.category, watch.priority) != (
        asked.category,
        asked.priority,
    )


def _terms(rule: Rule) -> Terms:
    return Terms(
        kind=RuleKind(rule.kind),
        line_id=rule.line_id,
        equipment_code=rule.equipment.code if rule.equipment else None,
        message=rule.message,
        least_severity=rule.least_severity,
        reason_code=rule.reason.code if rule.reason else None,
        category=rule.category,
        priority=rule.priority,
        text=rule.text,
        delay_s=rule.delay_s,
    )


def _quiet(rule: Rule) -> Quiet:
    return Quiet(
        in_changeover=rule.quiet_in_changeover,
        in_planned_stop=rule.quiet_in_planned_stop,
        in_breaks=rule.quiet_in_breaks,
        behind_a_stop=rule.quiet_behind_a_stop,
    )
