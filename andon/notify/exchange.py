"""One HTTP request to a checked address: no redirect, one deadline for all of it, an answer of bounded size."""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from andon.notify.allowed import Allowed
from andon.notify.message import NotSent, Refused

MOST_ANSWER_BYTES = 64 * 1024
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is cut at `MOST_ANSWER_BYTES`."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads, before its name has been looked up."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (
            host
            if self.port == _PORTS["https" if self.secure else "http"]
            else f"{host}:{self.port}"
        )


def place_of(url: str) -> Place:
    """Return where the URL leads. Raises Refused for one that is none of ours to call."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as bad:
        raise Refused(f"this is no URL: {bad}") from bad
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Refused("a webhook is called by https://host/path")
    if parts.username is not None or parts.password is not None:
        raise Refused("a webhook's URL carries no user and no password")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or any(letter <= " " for letter in path):
        raise Refused("a webhook's path is written in ASCII, without spaces")
    return Place(parts.scheme == "https", parts.hostname, port or _PORTS[parts.scheme], path)


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allowed: Allowed, deadline_s: float
) -> Answer:
    """Send the body and return the answer, whatever its status; redirects are answers like any other.

    The name is looked up once, and the connection is made to an address that was checked: a name that changes
    its mind in between changes nothing. Raises Refused for a place that may not be called, NotSent when the
    exchange is not over within the deadline or breaks.
    """
    until = time.monotonic() + deadline_s
    place = place_of(url)
    connection = http.client.HTTPConnection(place.host, place.port)
    try:
        with _cut_at(until) as held:
            plain = _connected(place, allowed, until)
            held.append(plain)
            connection.sock = plain
            if place.secure:
                connection.sock = secure = _secured(plain, place, until)
                held.append(secure)
                secure.do_handshake()
            connection.putrequest("POST", place.path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", place.authority)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.putheader("Connection", "close")
            connection.endheaders(body)
            with connection.getresponse() as answer:
                read = answer.read(MOST_ANSWER_BYTES)
            if time.monotonic() >= until:  # what was cut off reads like an end
                raise TimeoutError
            return Answer(answer.status, answer.reason, dict(answer.headers), read)
    except (OSError, http.client.HTTPException) as failure:
        if time.monotonic() >= until:
            raise NotSent(f"no answer within {deadline_s:g} s") from failure
        raise NotSent(_sentence(failure)) from failure
    finally:
        connection.close()


def _connected(place: Place, allowed: Allowed, until: float) -> socket.socket:
    """Return a connection to the first address that may be called and answers."""
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as failure:
        raise NotSent(f"{place.host} was not found: {_sentence(failure)}") from failure
    addresses = dict.fromkeys(str(one[4][0]) for one in found)
    permitted = [each for each in addresses if _may_be_called(place, each, allowed)]
    if not permitted:
        raise Refused(
            f"{place.host} ({', '.join(addresses)}) is not among the allowed hosts and networks"
        )
    failed: OSError | None = None
    for address in permitted:
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((address, place.port), timeout=left)
        except OSError as failure:
            failed = failure
    raise failed or TimeoutError("nobody answered")


def _may_be_called(place: Place, text: str, allowed: Allowed) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if not allowed.permits(place.host, address):
        return False
    # In the clear only within a network that was named: the internet reads along.
    return place.secure or allowed.by_network(address)


def _secured(plain: socket.socket, place: Place, until: float) -> ssl.SSLSocket:
    plain.settimeout(max(0.1, until - time.monotonic()))
    context = ssl.create_default_context()
    return context.wrap_socket(plain, server_hostname=place.host, do_handshake_on_connect=False)


@contextmanager
def _cut_at(until: float) -> Iterator[list[socket.socket]]:
    """Break the sockets of the list off at the deadline: one that drips a byte now and then never times out."""
    held: list[socket.socket] = []

    def cut() -> None:
        for each in tuple(held):
            with suppress(OSError):
                # The socket beneath: the secure one would wait for a farewell.
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, until - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield held
    finally:
        timer.cancel()
        for each in held:
            each.close()


def _sentence(failure: Exception) -> str:
    return str(failure).strip() or type(failure).__name__
