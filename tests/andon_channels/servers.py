"""A real SMTP server and a real HTTP receiver on the loopback, which write down what they were given."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

LOOPBACK = "127.0.0.1"


@dataclass
class Mailbox:
    """What the SMTP server took, and what it answers to an address before it takes anything."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's
        if refusal := self.refusals.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        mail: Any = message_from_bytes(envelope.content, policy=policy.default)
        mail["X-Envelope-To"] = ",".join(envelope.rcpt_tos)
        self.mails.append(mail)
        return "250 taken"


class _Controller(Controller):
    def factory(self):
        return SMTP(self.handler, hostname="mail.test")


@contextmanager
def smtp_server(port: int = 0) -> Iterator[Mailbox]:
    """Run a mail server on a free port, or on this one."""
    mailbox = Mailbox(port=port or free_port())
    controller = _Controller(mailbox, hostname=LOOPBACK, port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


@dataclass
class Taken:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What the HTTP receiver took and how it answers; `hang` keeps it silent until the end."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    status: int = 204
    location: str = ""
    body: bytes = b""
    drip: bool = False
    hang: bool = False
    takes_s: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/hook") -> str:
        return f"http://{LOOPBACK}:{self.port}{path}"


@contextmanager
def http_receiver(port: int = 0) -> Iterator[Receiver]:
    """Run a receiver on a free port, or on this one."""
    receiver = Receiver()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            receiver.taken.append(Taken(self.path, dict(self.headers), body))
            if receiver.takes_s:
                receiver.over.wait(receiver.takes_s)
            if receiver.hang:
                receiver.over.wait(60)
                return
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", str(len(receiver.body)))
            self.end_headers()
            if not receiver.drip:
                self.wfile.write(receiver.body)
                return
            for byte in receiver.body:
                if receiver.over.is_set():
                    return
                self.wfile.write(bytes([byte]))
                time.sleep(0.2)

        def do_GET(self):
            self.do_POST()

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_):
            """Clients of these tests hang up in the middle."""

    server = Quiet((LOOPBACK, port), Answering)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
