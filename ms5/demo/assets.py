"""Static files are collected again only when one may have changed: it takes seconds."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

_STAMP = ".collected-from"


def fingerprint(base: Path) -> str:
    """A digest of what collectstatic reads: our files by size and time, the packages by their pins."""
    digest = hashlib.sha256()
    for path in _sources(base):
        status = path.stat()
        line = f"{path.relative_to(base)} {status.st_size} {status.st_mtime_ns}\n"
        digest.update(line.encode())
    return digest.hexdigest()


def _sources(base: Path) -> Iterator[Path]:
    yield base / "requirements.txt"
    yield base / "ms5" / "settings.py"
    yield base / "ms5" / "static.py"
    yield from sorted(path for path in (base / "static").rglob("*") if path.is_file())


def collected(root: Path, base: Path) -> bool:
    """Whether `root` holds what is in the tree now."""
    stamp = root / _STAMP
    return stamp.is_file() and stamp.read_text() == fingerprint(base)


def remember(root: Path, base: Path) -> None:
    """Note that `root` holds what is in the tree now."""
    (root / _STAMP).write_text(fingerprint(base))
