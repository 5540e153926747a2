"""The figures of a run as Markdown; nothing in it is typed by hand."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.andon_kills.floor import LEVELS_AFTER_S, REMINDER_EVERY_S, RESOLVE_WITHIN_S
from tests.andon_kills.mutants import Mutant
from tests.andon_kills.play import Ledger, Plan
from tests.andon_kills.verdict import LATE_S, Verdict


@dataclass(frozen=True)
class Run:
    """A plan that was played, and what became of it."""

    engine: str
    plan: Plan
    ledger: Ledger
    verdict: Verdict


@dataclass(frozen=True)
class Found:
    """A mutant and what the verdict said of it."""

    mutant: Mutant
    verdict: Verdict

    @property
    def is_caught(self) -> bool:
        return any(name in self.verdict.failed for name in self.mutant.found)


def document(runs: Sequence[Run], found: Sequence[Found]) -> str:
    """Return the whole document."""
    levels = ", ".join(f"{after_s} s" for after_s in LEVELS_AFTER_S)
    parts = [
        "# Escalation under kill -9\n",
        (
            f"Written by `make andon-kills` on {datetime.now(UTC):%Y-%m-%d}: Python"
            f" {platform.python_version()}, {platform.machine()}, {os.cpu_count()} shared cores."
            f" The policy of the run has its levels at {levels}, reminders every {REMINDER_EVERY_S} s and"
            f" {RESOLVE_WITHIN_S} s to resolve; no clock is faked. Half of the calls are answered within"
            " nine seconds, half of those resolved soon after; the rest wait for 18 to 25 s. Of the sweepers"
            " some take the lease of beat's task and some take none, as a web process does that comes to the"
            " rescue.\n"
        ),
        *(_run(run) for run in runs),
        "## Wrong by intent\n",
        "| variant | what is wrong | caught by |",
        "| --- | --- | --- |",
        *(
            f"| {each.mutant.name} | {each.mutant.what} |"
            f" {_told(each.verdict) if each.is_caught else '**not caught**'} |"
            for each in found
        ),
        "",
    ]
    return "\n".join(parts)


def _run(run: Run) -> str:
    plan, ledger, verdict = run.plan, run.ledger, run.verdict
    down = sum((end - begin).total_seconds() for begin, end in ledger.outages)
    rows = {
        "calls raised": verdict.calls,
        "answered / resolved": f"{ledger.answers} / {ledger.resolved}",
        "sweepers and senders": f"{plan.sweepers} and {plan.senders}",
        "kill -9": ledger.kills,
        "of them while it held the sweep's lease": ledger.killed_while_sweeping,
        "of them while it was sending": ledger.killed_while_sending,
        "total outages": f"{len(ledger.outages)}, {down:.0f} s together",
        "levels that took effect": verdict.levels,
        "reminders": verdict.reminders,
        "not resolved in time": verdict.resolve_dues,
        "latest with one alive": f"{verdict.worst_alive_s:.1f} s (median"
        f" {verdict.median_alive_s:.1f} s; {LATE_S:.0f} s allowed)",
        "latest after an outage, behind its end": f"{verdict.worst_after_outage_s:.1f} s",
        "webhooks and mails received": f"{verdict.webhooks} and {verdict.mails}",
        "of them repeats under the same key": verdict.repeated,
        **{f"{name}": count for name, count in verdict.faults.items()},
    }
    held = "held" if not verdict.failed else f"failed: {_told(verdict)}"
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return (
        f"## {run.engine}: {held}\n\n{ledger.seconds:.0f} s, seed {plan.seed}; the machine's load was"
        f" {os.getloadavg()[2]:.1f} in the last quarter of an hour.\n\n"
        f"| | |\n| --- | --- |\n{table}\n"
    )


def _told(verdict: Verdict) -> str:
    return ", ".join(f"{name} {count}" for name, count in verdict.failed.items())
