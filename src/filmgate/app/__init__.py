"""The one composition root: settings -> adapters -> core -> ASGI application."""

from filmgate.app.keys import DEFAULT_APPLICATION, api_key
from filmgate.app.ledger import open_existing_ledger, open_ledger
from filmgate.app.server import serve
from filmgate.app.service import Service, open_service

__all__ = ["DEFAULT_APPLICATION", "Service", "api_key", "open_existing_ledger", "open_ledger", "open_service", "serve"]
