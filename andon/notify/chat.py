"""Chat and SMS through Apprise, in a program of its own that reaches the internet and what is allowed.

`python -m andon.notify.chat` takes one JSON object on its standard input and answers with one. The library
and its hundred services run there only: a service that hangs is ended at the deadline, and what it could
reach inward (a private address, a local socket, a command, a bus of the desktop) is refused beneath it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from andon.notify.allowed import Allowed, allowed_of
from andon.notify.message import Message, NotSent, Refused

_ROOT = Path(__file__).resolve().parents[2]
_KEPT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_LONGEST_SENTENCE = 300

REFUSED = frozenset(
    {
        # They speak to this machine's desktop, log or devices.
        *("blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"),
        # They send a datagram and hear nothing: nobody would know that it was lost.
        *("growl", "rsyslog"),
        # They start programs of this machine.
        *("deltachat", "deltachats"),
        # E-mail has a channel of its own, with its retries and its settings.
        *("mailto", "mailtos"),
    }
)
"""Kinds of addresses that Apprise knows and that we do not take."""


def check(address: str, *, allowed: Allowed, deadline_s: float = 60.0) -> None:
    """Return when the address is of a form that can be sent to. Raises Refused with what is wrong."""
    _demand_kind(address)
    try:
        _ask({"do": "check", "address": address}, allowed, deadline_s)
    except NotSent as failure:
        raise Refused(str(failure)) from failure


def send(message: Message, *, address: str, allowed: Allowed, deadline_s: float) -> None:
    """Hand the message to the service; return once it was taken. Raises NotSent or Refused."""
    _demand_kind(address)
    said = {"do": "send", "address": address, "title": message.subject, "body": message.text}
    _ask(said, allowed, deadline_s)


def masked(address: str) -> str:
    """Return what may be shown of an address: its kind. The rest is as good as a password."""
    kind, found, _ = address.partition("://")
    return f"{kind}://..." if found else "..."


def _demand_kind(address: str) -> None:
    kind, found, _ = address.strip().partition("://")
    if not found:
        raise Refused("an address has the form service://...")
    if kind.lower() in REFUSED:
        raise Refused(f"{kind}:// is not taken: it does not lead to a chat or a telephone")


def _ask(said: Mapping[str, Any], allowed: Allowed, deadline_s: float) -> None:
    networks = [str(each) for each in allowed.networks]
    asked = json.dumps({**said, "networks": networks, "deadline_s": deadline_s})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "andon.notify.chat"],
            input=asked,
            capture_output=True,
            text=True,
            timeout=deadline_s,
            check=False,
            cwd=_ROOT,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )
    except subprocess.TimeoutExpired as late:
        raise NotSent(f"no answer within {deadline_s:g} s") from late
    try:
        answer = json.loads(done.stdout)
    except ValueError as broken:
        raise NotSent(f"the sender ended with {done.returncode}") from broken
    match answer:
        case {"ok": True}:
            return
        case {"refused": str(sentence)}:
            raise Refused(sentence)
        case {"failed": str(sentence)}:
            raise NotSent(sentence)
        case _:
            raise NotSent("the sender gave no answer")


class _Inward(OSError):
    """Something tried to reach what it may not."""


def _keep_outward(allowed: Allowed) -> None:
    """Refuse, for the rest of this process, every connection inward and every program."""
    import ipaddress  # noqa: PLC0415 - for the child alone, as all below

    from andon.notify.allowed import is_public  # noqa: PLC0415

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}:
            raise _Inward("programs are not started from here")
        if event not in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            return
        where = arguments[1]
        if not isinstance(where, tuple):
            raise _Inward("sockets of this machine are not spoken to")
        address = ipaddress.ip_address(str(where[0]).partition("%")[0])
        if not is_public(address) and not allowed.by_network(address):
            raise _Inward(f"{address} is not among the allowed networks")

    sys.addaudithook(watch)


def _answer_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of the child: ok, refused for good, or failed this time."""
    import ipaddress  # noqa: PLC0415
    import logging  # noqa: PLC0415

    import apprise  # noqa: PLC0415 - slow to load, and loaded nowhere else

    allowed = allowed_of(said["networks"])
    _keep_outward(allowed)
    told: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    library = logging.getLogger("apprise")
    library.handlers[:] = [Listening(logging.WARNING)]
    library.propagate = False
    asset = apprise.AppriseAsset(
        app_id="MS5",
        app_desc="MS5",
        app_url="",
        async_mode=False,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        storage_mode="memory",
        allow_templates=False,
        service_timeout=float(said["deadline_s"]),
    )
    service = apprise.Apprise.instantiate(said["address"], asset=asset)
    if service is None:
        return {"refused": _last(told, "Apprise does not know addresses of this form")}
    if not service.enabled:
        return {"refused": f"{service.service_name} cannot be used on this machine"}
    service.redirects = False  # an address may ask for them
    if "host" in service.template_tokens:
        try:
            address = ipaddress.ip_address(str(service.host).strip("[]"))
        except ValueError:
            pass  # a name; where it leads is looked at when it is connected to
        else:
            from andon.notify.allowed import is_public  # noqa: PLC0415

            if not is_public(address) and not allowed.by_network(address):
                return {"refused": f"{address} is not among the allowed networks"}
    if said["do"] == "check":
        return {"ok": True}
    way_out = apprise.Apprise(asset=asset)
    way_out.add(service)
    if way_out.notify(body=said["body"], title=said["title"], body_format="text"):
        return {"ok": True}
    return {"failed": _last(told, "the service did not take it")}


def _last(told: Iterable[str], otherwise: str) -> str:
    sentences = [" ".join(each.split()) for each in told if each.strip()]
    return (sentences[-1] if sentences else otherwise)[:_LONGEST_SENTENCE]


def main() -> int:
    """Answer one question; 0 whatever the answer is."""
    said = json.load(sys.stdin)
    signal.alarm(int(said["deadline_s"]) + 1)  # if nobody is left to end us
    answer = _answer_of(said)
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
