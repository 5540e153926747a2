"""An empty SQLite database with all tables, made once for each set of migrations."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
_KEPT = ROOT / "build" / "empty-databases"


def copy_to(database: Path) -> None:
    """Put a copy there. Migrating it changes nothing and takes a second instead of ten."""
    kept = _KEPT / f"{_migrations()}.sqlite3"
    if not kept.exists():
        _make(kept)
    shutil.copyfile(kept, database)


def _migrations() -> str:
    """Return a name for all that a migrated database depends on: tables, permissions, starting rows."""
    globs = (
        "*/migrations/*.py",
        "*/*/migrations/*.py",
        "*/models.py",
        "*/*/models.py",
        "*/models/*.py",
    )
    files = sorted(
        file for glob in globs for file in ROOT.glob(glob) if ".venv" not in file.parts
    )
    found = hashlib.sha256()
    for file in [*files, ROOT / "requirements.txt", ROOT / "ms5/settings.py"]:
        found.update(file.read_bytes())
    return found.hexdigest()[:20]


def _make(kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    made = kept.with_suffix(f".{os.getpid()}")
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "of a database that holds nothing",
        "MS5_ENV_FILE": "",
        "MS5_DATA_DIR": str(made.parent),
        "DATABASE_URL": f"sqlite:///{made}",
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=600)
    # Two runs may make it at once; the one that is later replaces it by its like.
    made.rename(kept)
