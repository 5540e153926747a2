"""The figures of a run as Markdown; nothing in it is typed by hand."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.faults.mutants import Mutant
from tests.faults.run import Result
from tests.faults.verdict import Verdict
from tests.faults.writer import KEPT, TAKEN_BACK, UNKNOWN

ABSENT = (
    "Absent, since what they hurt is not built yet: escalation and its sweep, webhooks and mail,"
    " jobs, double clicks and two people at once, clocks that jump."
)

LEGEND = (
    "A latency is from the acknowledged commit to a client that was told of it, outages included."
    " Back after: from the end of the fault until every client is live and holds all that is in the"
    " log; where clients were kept away that is mostly their own back-off, full jitter up to 30 s."
    " Lost, doubled and foreign are counts over all clients and the log; a replay that brings a"
    " fact once more is none.\n"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A mutant and what the verdict said of it."""

    mutant: Mutant
    verdict: Verdict | None
    failed: str = ""

    @property
    def is_caught(self) -> bool:
        faults = self.verdict.faults() if self.verdict else {}
        return any(kind in faults for kind in self.mutant.found)


def document(
    results: Sequence[Result],
    found: Sequence[Found],
    figures: Sequence[dict[str, Any]],
    seed: int,
    seconds: float,
) -> str:
    """Return the whole document."""
    ran = (
        f"Written by `make faults` on {datetime.now(UTC):%Y-%m-%d}: seed {seed},"
        f" {seconds / 60:.0f} minutes, Python {platform.python_version()}, {platform.machine()},"
        f" {os.cpu_count()} shared cores. {_load(results)}\n"
    )
    parts = [
        "# Faults survived\n",
        ran,
        f"**{_totals(results, found)}**\n",
        _table(results),
        LEGEND,
        _notes(results),
        "## Bad input\n",
        _figures(figures),
        "## Wrong by intent\n",
        _mutants(found),
        ABSENT + "\n",
    ]
    return "\n".join(parts)


def _load(results: Sequence[Result]) -> str:
    clients = sorted(result.clients for result in results)
    return (
        "Every row has a crowd of real clients (two thirds with batch frames; some see all lines, some only"
        f" theirs; {clients[len(clients) // 2] if clients else 0} in the median row), two writers, two web"
        " processes, poll, worker, beat, Redis, four simulated controllers and a database that"
        " syncs every commit to disk."
    )


def _totals(results: Sequence[Result], found: Sequence[Found]) -> str:
    held = [result for result in results if not result.failed]
    verdicts = [result.verdict for result in results]
    deeds = Counter[str]()
    for result in results:
        deeds.update(result.deeds)
    return (
        f"{len(held)} of {len(results)} rows held; {sum(r.injections for r in results):,} injections;"
        f" {deeds[KEPT]:,} deeds acknowledged, {deeds[TAKEN_BACK]:,} taken back, {deeds[UNKNOWN]:,} cut off by"
        f" the fault; {sum(v.facts for v in verdicts):,} facts, {sum(v.deliveries for v in verdicts):,}"
        f" deliveries, {sum(v.reconnects for v in verdicts):,} reconnects,"
        f" {sum(v.resumes for v in verdicts):,} resumes; lost {sum(v.lost for v in verdicts)},"
        f" doubled {sum(v.twice for v in verdicts)}, out of order {sum(v.disordered for v in verdicts)},"
        f" invented {sum(v.invented for v in verdicts)}, foreign bytes {sum(v.foreign for v in verdicts)}"
        f" ({sum(v.secrets_seen for v in verdicts):,} foreign facts were seen by those who may);"
        f" {sum(each.is_caught for each in found)} of {len(found)} mutants caught."
    )


def _table(results: Sequence[Result]) -> str:
    names = (
        *("fault", "injections", "clients", "facts/s", "deliveries", "reconnects", "resumes"),
        *("lost", "doubled", "foreign", "p50 ms", "p99 ms", "worst ms", "back after s", "held"),
    )
    lines = [_line(names), _line(["---"] * len(names))]
    for result in results:
        verdict = result.verdict
        lines.append(
            _line(
                (
                    result.row.name,
                    result.injections,
                    result.clients,
                    f"{result.facts_per_s:.0f}",
                    f"{verdict.deliveries:,}",
                    verdict.reconnects,
                    verdict.resumes,
                    verdict.lost,
                    verdict.twice,
                    verdict.foreign,
                    *(f"{_share(verdict, share):,.0f}" for share in (0.5, 0.99, 1.0)),
                    f"{result.back_s:.1f}",
                    "no" if result.failed else "yes",
                )
            )
        )
    return "\n".join(lines) + "\n"


def _notes(results: Sequence[Result]) -> str:
    lines = [_line(("fault", "expected", "what happened")), _line(["---"] * 3)]
    for result in results:
        breaks = [
            f"{count} streams {reason}" for reason, count in result.verdict.breaks.items()
        ]
        closes = [f"{count} of {close}" for close, count in result.verdict.closes.items()]
        failed = [f"**{' '.join(result.failed.split())[:300]}**"] if result.failed else []
        what = "; ".join([*failed, *result.notes, *closes, *breaks]) or "nothing to tell"
        lines.append(_line((result.row.name, result.row.expected, what.replace("|", "/"))))
    return "\n".join(lines) + "\n"


def _figures(figures: Sequence[dict[str, Any]]) -> str:
    if not figures:
        return "Not run. The tests are in `tests/socket`: bad input, raw frames, floods, foreign lines.\n"
    lines = [_line(("what", "count", "more")), _line(["---"] * 3)]
    for figure in figures:
        more = {key: value for key, value in figure.items() if key not in {"name", "count"}}
        said = ", ".join(f"{key} {value}" for key, value in more.items())
        lines.append(_line((figure["name"], figure["count"], said)))
    return "\n".join(lines) + "\n"


def _mutants(found: Sequence[Found]) -> str:
    lines = [_line(("mutant", "what the same verdict counts", "caught")), _line(["---"] * 3)]
    for each in found:
        faults = each.verdict.faults() if each.verdict else {}
        counts = ", ".join(f"{kind} {count}" for kind, count in faults.items()) or each.failed
        lines.append(_line((each.mutant.name, counts, "yes" if each.is_caught else "no")))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _share(verdict: Verdict, share: float) -> float:
    values = verdict.latencies_ms
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0
