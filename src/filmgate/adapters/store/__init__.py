"""Media stores."""

from filmgate.adapters.store.local import LocalStore

__all__ = ["LocalStore"]
