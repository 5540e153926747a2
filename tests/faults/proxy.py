"""A TCP proxy that misbehaves on order, between any two processes of the stack."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from dataclasses import dataclass
from enum import StrEnum

CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: the close is a reset


class Mode(StrEnum):
    """What becomes of the bytes; the last five of what the server answers only."""

    PASS = "pass"
    REFUSE = "refuse"
    """New connections are reset at once, and those that exist now are cut."""
    BLACKHOLE = "blackhole"
    """Everything stays open and nothing arrives, in either direction."""
    RESET = "reset"
    """Connections are reset with the next byte."""
    DELAY = "delay"
    DRIP = "drip"
    GARBAGE = "garbage"
    TRUNCATE = "truncate"
    DUPLICATE = "duplicate"


@dataclass(slots=True)
class Order:
    """How it behaves now. `delay_s` is that of DELAY, and the pause between the bytes of DRIP."""

    mode: Mode = Mode.PASS
    delay_s: float = 0.0


class FaultProxy:
    """Listens on `port` of the loopback and forwards to `target`; runs in a thread of its own."""

    def __init__(
        self, target: int, port: int = 0, *, seed: int = 1, host: str = "127.0.0.1"
    ) -> None:
        self.target = target
        self.connections = 0
        self.spoilt = 0
        """Chunks that did not arrive as they were sent."""
        self._host = host
        self._order = Order()
        self._chance = random.Random(seed)
        self._writers: set[asyncio.StreamWriter] = set()
        self._visits: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._healed = asyncio.Event()
        self._healed.set()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(1024)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(
            target=self._run, name=f"proxy {self.port}", daemon=True
        )
        self._thread.start()

    def behave(self, mode: Mode, delay_s: float = 0.0) -> None:
        """From now on, for the connections that exist too; returns once it is so."""
        asyncio.run_coroutine_threadsafe(self._behave(Order(mode, delay_s)), self._loop).result(
            5
        )

    def heal(self) -> None:
        """Pass everything on again. What a fault has spoilt is cut, as a network would not mend it."""
        self.behave(Mode.PASS)

    def cut(self) -> None:
        """Reset all connections that exist."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(5)

    def close(self) -> None:
        """End the thread and every connection."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        self._listener.close()

    async def _behave(self, order: Order) -> None:
        was, self._order = self._order, order
        if order.mode is Mode.BLACKHOLE:
            self._healed.clear()
        else:
            self._healed.set()
        spoilt = was.mode in {Mode.GARBAGE, Mode.TRUNCATE, Mode.DUPLICATE, Mode.DRIP}
        if order.mode is Mode.REFUSE or spoilt:
            await self._cut()

    async def _cut(self) -> None:
        for writer in tuple(self._writers):
            _reset(writer)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._welcome, sock=self._listener, limit=CHUNK)
        )
        try:
            self._loop.run_forever()
        finally:
            server.close()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = self._loop.create_task(self._visit(reader, writer))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._order.mode is Mode.REFUSE:
            _reset(writer)
            return
        await self._healed.wait()
        try:
            there = await asyncio.open_connection(self._host, self.target, limit=CHUNK)
        except OSError:
            _reset(writer)
            return
        pair = (writer, there[1])
        self._writers.update(pair)
        try:
            # A group: when one direction breaks, the other must not go on writing into nothing.
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, there[1], answers=False))
                both.create_task(self._pump(there[0], writer, answers=True))
        except* OSError:
            pass  # the other side has gone, which is what a proxy is for
        finally:
            self._writers.difference_update(pair)
            for each in pair:
                _reset(each)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while chunk := await source.read(CHUNK):
            await self._healed.wait()
            await self._forward(chunk, sink, answers=answers)
        await self._healed.wait()
        with contextlib.suppress(OSError, RuntimeError):
            sink.write_eof()

    async def _forward(
        self, chunk: bytes, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        order = self._order
        if sink.is_closing():
            raise ConnectionResetError
        match order.mode:
            case Mode.RESET:
                self.spoilt += 1
                raise ConnectionResetError
            case Mode.DELAY if answers:
                self.spoilt += 1
                await asyncio.sleep(order.delay_s)
            case Mode.DRIP if answers:
                self.spoilt += 1
                for place in range(len(chunk)):
                    if sink.is_closing():
                        raise ConnectionResetError
                    sink.write(chunk[place : place + 1])
                    await asyncio.sleep(order.delay_s)
                return
            case Mode.GARBAGE if answers:
                self.spoilt += 1
                chunk = bytes(byte ^ self._chance.randrange(256) for byte in chunk)
            case Mode.TRUNCATE if answers:
                self.spoilt += 1
                sink.write(chunk[: len(chunk) // 2])
                await sink.drain()
                raise ConnectionResetError
            case Mode.DUPLICATE if answers:
                self.spoilt += 1
                chunk += chunk
            case _:
                pass
        sink.write(chunk)
        await sink.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        sock = writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
