"""The readers and the writer of an open ledger."""

from __future__ import annotations

from typing import NamedTuple

from filmgate.adapters.ledger.sqlite.reader import BackgroundReader, ListReaders, Reader
from filmgate.adapters.ledger.sqlite.writer import Writer


class Store(NamedTuple):
    """A reader on the event loop, one beside it, several for lists, and the one writer."""

    reader: Reader
    background: BackgroundReader
    lists: ListReaders
    writer: Writer
