"""The dispatcher of a single process: the ledger's index of due work is the queue."""

from filmgate.adapters.dispatch.embedded.dispatcher import EmbeddedDispatcher

__all__ = ["EmbeddedDispatcher"]
