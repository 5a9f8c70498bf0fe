"""Standard input and output as a channel of messages, one per line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator


async def lines() -> AsyncIterator[bytes]:
    """Yield the lines of standard input until its end.

    A thread reads them: the event loop can watch pipes, but no files, and must not make a terminal non-blocking that
    others write to.
    """
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    def listen() -> None:
        with contextlib.suppress(RuntimeError), os.fdopen(os.dup(0), "rb") as file:  # RuntimeError: the loop has gone
            for line in file:
                loop.call_soon_threadsafe(heard.put_nowait, line)
            loop.call_soon_threadsafe(heard.put_nowait, b"")

    threading.Thread(target=listen, daemon=True).start()
    while line := await heard.get():
        yield line


@contextlib.contextmanager
def writer() -> Iterator[Callable[[bytes], None]]:
    """Yield a function that writes one line to standard output; other prints go to standard error.

    Lines written after the reader has gone are lost: the end of the input follows.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(kept, "wb", buffering=0, closefd=False) as file:

            def write(line: bytes) -> None:
                rest = memoryview(line + b"\n")
                with contextlib.suppress(BrokenPipeError):
                    while rest:
                        rest = rest[file.write(rest) :]

            yield write
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
