"""Requests that arrive in one moment, so that the ledger commits several of them as one group."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Sequence
from typing import Any, NamedTuple


class Reply(NamedTuple):
    """What came back: a status and the JSON below it."""

    status: int
    body: Any


def post(port: int, path: str, requests: Sequence[tuple[dict[str, str], Any]]) -> list[Reply | None]:
    """Post bodies with headers, each over a connection of its own, all at once; None where no whole answer came."""
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(socket.socket()) for _ in requests]
        for line in lines:
            line.settimeout(60)
            with contextlib.suppress(OSError):
                line.connect(("127.0.0.1", port))
        for line, (headers, body) in zip(lines, requests, strict=True):
            with contextlib.suppress(OSError):
                line.sendall(_written(port, path, headers, body))
        return [_read(line) for line in lines]


def _written(port: int, path: str, headers: dict[str, str], body: Any) -> bytes:
    data = json.dumps(body).encode()
    fields = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(data)),
        "Connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data


def _read(line: socket.socket) -> Reply | None:
    data = b""
    try:
        while piece := line.recv(65_536):
            data += piece
    except OSError:
        pass  # What came before it broke may be a whole answer.
    head, _, body = data.partition(b"\r\n\r\n")
    try:
        status = int(head.split(b" ", 2)[1])
        length = next(
            int(field.partition(b":")[2])
            for field in head.lower().split(b"\r\n")
            if field.startswith(b"content-length:")
        )
        return Reply(status, json.loads(body)) if len(body) == length else None
    except (IndexError, ValueError, StopIteration):
        return None
