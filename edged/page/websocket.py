"""One WebSocket over the streams of asyncio; the protocol itself is that of the package websockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from edged.page.protocol import LONGEST_MESSAGE

__all__ = ["CloseCode", "WebSocket"]

READ_BYTES = 16_384
SEND_SECONDS = 20.0
CLOSE_SECONDS = 1.0
LEAST_BYTES = 1 << 18  # that a browser takes in SEND_SECONDS of a message that is longer: 100 kbit/s
PING_SECONDS = 15.0
SILENT_SECONDS = 45.0
MOST_PARTS = 1024  # of one message; browsers send it whole
FRAMES_A_SECOND = 200  # of those that are not a whole text: pings, pongs and fragments; a browser that sends more waits

_quiet = logging.getLogger("edged.page.websockets")
_quiet.setLevel(logging.CRITICAL)  # what a stranger does wrong would fill the log


class WebSocket:
    """The server's end, on a connection whose request had the bytes *head*.

    One task receives; any may send. Every wait has a limit.

    Attributes:
        on_pong: is called with the content of each pong.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.on_pong: Callable[[bytes], None] = lambda _: None
        self._reader, self._writer = reader, writer
        self._protocol = ServerProtocol(max_size=LONGEST_MESSAGE, logger=_quiet)
        self._texts: list[str] = []
        self._parts: list[bytes] = []

    async def accept(self, head: bytes) -> bool:
        """Answer the opening handshake; return whether the connection is open now."""
        self._protocol.receive_data(head)
        events = self._protocol.events_received()
        if events and isinstance(events[0], Request):
            self._protocol.send_response(self._protocol.accept(events[0]))
        await self._flush()
        return self._protocol.state is State.OPEN

    async def receive(self) -> str | None:
        """Return the next text; None when the connection has ended, or the browser breaks a rule.

        Only texts are messages: a binary one ends the connection, and so does one that is too long.
        """
        while not self._texts:
            if self._protocol.state is not State.OPEN:
                return None
            data = await self._receive_data()
            if not data:
                return None
            self._protocol.receive_data(data)
            events = self._protocol.events_received()
            for event in events:
                if isinstance(event, Frame):
                    self._collect(event)
            await self._flush()
            if self._protocol.state is State.OPEN:
                await asyncio.sleep((len(events) - len(self._texts)) / FRAMES_A_SECOND)
        return self._texts.pop(0)

    async def send(self, message: str | bytes) -> None:
        """Send a message, and wait until the kernel has taken most of it.

        Raises:
            OSError: the connection has ended, or takes nothing for too long.
        """
        if self._protocol.state is not State.OPEN:
            raise ConnectionResetError("the connection has ended")
        if isinstance(message, str):
            self._protocol.send_text(message.encode("utf-8", "replace"))
        else:
            self._protocol.send_binary(message)
        await self._flush()

    async def ping(self, content: bytes) -> None:
        """Send a ping; a browser answers it with the same *content* when it has received everything before it.

        Raises:
            OSError: as for *send*.
        """
        if self._protocol.state is State.OPEN:
            self._protocol.send_ping(content)
            await self._flush()

    async def close(self, code: CloseCode = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """End the connection in order; the browser learns the reason if it still reads, and is not waited for long."""
        if self._protocol.state is State.OPEN:
            self._protocol.fail(code, reason)
        with suppress(OSError):
            await self._flush(CLOSE_SECONDS)

    async def _receive_data(self) -> bytes:
        """Return what has come; empty at the end. A browser that is silent is asked whether it is still there."""
        waited = 0.0
        while waited < SILENT_SECONDS:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    return await self._reader.read(READ_BYTES)
            except TimeoutError:  # an OSError, too
                waited += PING_SECONDS
                if self._protocol.state is not State.OPEN:
                    return b""
                self._protocol.send_ping(b"edged")
                await self._flush()
            except OSError:
                return b""
        return b""

    def _collect(self, frame: Frame) -> None:
        if frame.opcode is Opcode.BINARY:
            self._protocol.fail(CloseCode.UNSUPPORTED_DATA, "only texts")
        elif frame.opcode is Opcode.PONG:
            self.on_pong(bytes(frame.data))
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._parts.append(bytes(frame.data))
            if frame.fin:
                text, self._parts = b"".join(self._parts), []
                try:
                    self._texts.append(text.decode())
                except UnicodeDecodeError:
                    self._protocol.fail(CloseCode.INVALID_DATA, "not UTF-8")
            elif len(self._parts) > MOST_PARTS:  # of empty fragments there can be as many as one likes
                self._protocol.fail(CloseCode.POLICY_VIOLATION, "too many fragments")

    async def _flush(self, seconds: float = SEND_SECONDS) -> None:
        parts = self._protocol.data_to_send()
        if data := b"".join(parts):  # in one: a flood of pings is answered by thousands of parts
            self._writer.write(data)
        if b"" in parts and self._writer.can_write_eof():  # the protocol's word for the end
            with suppress(OSError):
                self._writer.write_eof()
        await self._drain(seconds)

    async def _drain(self, seconds: float) -> None:
        """Wait until little waits to be sent; a long message may take its time, as long as it gets on."""
        waiting = self._writer.transport.get_write_buffer_size()
        while True:
            try:
                async with asyncio.timeout(seconds):
                    return await self._writer.drain()
            except TimeoutError as exc:
                before, waiting = waiting, self._writer.transport.get_write_buffer_size()
                if before - waiting < LEAST_BYTES:
                    raise ConnectionResetError("the browser takes too little") from exc
