"""`python -m tests.andon_kills [--seed N] [--short]`: the run on PostgreSQL, the mutants, the figures."""

import argparse
import os
import random
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.with_postgres import postgres

ROOT = Path(__file__).resolve().parent.parent.parent
FIGURES = ROOT / "docs" / "figures" / "andon.md"
_CHILD = "MS5_ANDON_KILLS"


def main(arguments: Sequence[str]) -> int:
    """Return 0 when the run held and every mutant was caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.andon_kills", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--short", action="store_true", help="30 calls; writes no figures")
    parser.add_argument("--write", type=Path, default=FIGURES)
    asked = parser.parse_args(arguments)
    if _CHILD in os.environ:  # with a database of our own, which settings read when they load
        return _run(asked)
    with postgres() as url:
        return subprocess.run(
            [sys.executable, "-m", "tests.andon_kills", *arguments, "--seed", str(asked.seed)],
            env=os.environ
            | {
                _CHILD: "1",
                "DATABASE_URL": url,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "MS5_LOG_LEVEL": "WARNING",
                "SECRET_KEY": secrets.token_urlsafe(40),
            },
            cwd=ROOT,
            check=False,
        ).returncode


def _run(asked: argparse.Namespace) -> int:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.andon_kills.mutants import MUTANTS
    from tests.andon_kills.play import Plan
    from tests.andon_kills.report import Found, Run, document
    from tests.andon_kills.running import play

    call_command("migrate", verbosity=0)
    if asked.short:
        plan = Plan(calls=30, kills=6, outages=1, length_s=15, seed=asked.seed)
    else:
        plan = Plan(calls=500, kills=60, outages=5, length_s=560, seed=asked.seed)
    ledger, verdict = play(plan)
    run = Run("PostgreSQL", plan, ledger, verdict)
    sys.stdout.write(document([run], []))
    sys.stdout.flush()
    found = []
    small = Plan(
        calls=40,
        kills=20,
        outages=1,
        length_s=30,
        seed=asked.seed,
        wait_for_leases=False,
        settle_s=20,
        receiver_takes_s=1.5,
    )
    for mutant in MUTANTS:
        call_command("flush", verbosity=0, interactive=False)
        found.append(Found(mutant, play(small, mutant.name)[1]))
        sys.stdout.write(f"{mutant.name}: {found[-1].verdict.failed}\n")
        sys.stdout.flush()
    text = document([run], found)
    if not asked.short:
        asked.write.write_text(text)
    sys.stdout.write(text)
    return int(bool(verdict.failed) or not all(each.is_caught for each in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
