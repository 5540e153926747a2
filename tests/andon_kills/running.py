"""A plan on the database of this process: servers, rows, play and verdict."""

import tempfile
from pathlib import Path

from tests.andon_channels.servers import http_receiver, smtp_server
from tests.andon_kills.floor import floor
from tests.andon_kills.play import Ledger, Plan, Play
from tests.andon_kills.verdict import Verdict, judged


def play(plan: Plan, mutant: str = "") -> tuple[Ledger, Verdict]:
    """Play the plan and judge it. The receiver takes its time, so that kills find something under way."""
    with (
        tempfile.TemporaryDirectory(prefix="ms5-andon-kills-") as scratch,
        http_receiver() as receiver,
        smtp_server() as mailbox,
    ):
        receiver.takes_s = plan.receiver_takes_s
        made = floor(plan.calls, plan.lines, receiver.url())
        run = Play(plan, made, mailbox.port, Path(scratch) / "log")
        ledger = run.run(mutant)
        return ledger, judged(made, ledger, receiver, mailbox, all_sent=plan.wait_for_leases)
