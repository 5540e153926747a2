"""Another Python process on the database of the running test."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


def database_url() -> str:
    """Return the URL of the database this test runs on."""
    settings = connection.settings_dict
    name = str(settings["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    user, password = quote(settings["USER"]), quote(settings["PASSWORD"] or "")
    host = quote(settings["HOST"], safe="")
    return f"postgres://{user}:{password}@{host}:{settings['PORT'] or 5432}/{name}"


def environment() -> dict[str, str]:
    """Return the environment in which a process sees what this test sees."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
    }


def start(code: str) -> subprocess.Popen[str]:
    """Start `code` with Django set up."""
    program = f"import django\ndjango.setup()\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment(),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], *, within_s: float = 60) -> tuple[int, str, str]:
    """Return exit code, output and errors."""
    out, err = process.communicate(timeout=within_s)
    return process.returncode, out, err
