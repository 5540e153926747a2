"""What the environment asks of the demo."""

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound


class BadWish(ValueError):
    """A variable has a value that cannot be meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """`redis_url` empty: start one of our own. `password_made`: nobody chose it, so it is printed."""

    host: str
    port: int
    data_dir: Path
    redis_url: str
    password: str
    password_made: bool
    web_processes: int = 1
    """One by default: SQLite is one machine's, and two would be ready later and serve no more."""

    history_days: int = 3
    """Days of a past that the first start writes; 0 for none."""

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the demo, such as `http://127.0.0.1:8000`."""
        host = "127.0.0.1" if self.host in _EVERYWHERE else self.host
        return f"http://{_bracketed(host)}:{self.port}"

    def names(self) -> list[str]:
        """The host names under which it is reached: the loopback's and, off it, this machine's."""
        names = dict.fromkeys(LOOPBACK)
        if self.host in _EVERYWHERE:
            names |= dict.fromkeys(_own_names())
        else:
            names[self.host] = None
        return [_bracketed(name) for name in names]


def wishes(environment: Mapping[str, str], base: Path) -> Wishes:
    """Read them. BadWish: a sentence that says which variable is wrong."""
    port = _number("MS5_PORT", environment.get("MS5_PORT", "8000"), 65_535)
    web_processes = environment.get("MS5_WEB_PROCESSES", "1")
    history_days = environment.get("MS5_DEMO_HISTORY_DAYS", "3")
    password = environment.get("MS5_DEMO_PASSWORD", "")
    return Wishes(
        host=environment.get("MS5_HOST", "127.0.0.1"),
        port=port,
        data_dir=Path(environment.get("MS5_DATA_DIR") or base / "var").absolute(),
        redis_url=environment.get("REDIS_URL", ""),
        password=password or secrets.token_urlsafe(9),
        password_made=not password,
        web_processes=_number("MS5_WEB_PROCESSES", web_processes, 16),
        history_days=_number("MS5_DEMO_HISTORY_DAYS", history_days, 60, least=0),
    )


def _number(name: str, text: str, most: int, *, least: int = 1) -> int:
    number = int(text) if text.isascii() and text.isdigit() else least - 1
    if not least <= number <= most:
        raise BadWish(f"{name} is {text!r}; it must be a number from {least} to {most}.")
    return number


def secret_key_file(directory: Path) -> Path:
    """The file that holds this data directory's secret key, made once, readable by its owner only."""
    file = directory / "secret-key"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file
    with os.fdopen(descriptor, "w") as out:
        out.write(secrets.token_urlsafe(50))
    return file


def _own_names() -> list[str]:
    name = socket.gethostname()
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except OSError:  # the machine does not know its own name; it still has it
        found = []
    addresses = [str(address[0]).partition("%")[0] for *_, address in found]
    return list(dict.fromkeys([name, *addresses]))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
