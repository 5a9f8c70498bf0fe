"""The one composition root: settings -> adapters -> core -> ASGI application."""

from filmgate.app.backup import Manifest, Tell, make_backup
from filmgate.app.doctor import Finding, examine
from filmgate.app.keys import DEFAULT_APPLICATION, api_key
from filmgate.app.restore import restore_backup
from filmgate.app.server import serve
from filmgate.app.service import Service, open_ledger, open_service

__all__ = [
    "DEFAULT_APPLICATION",
    "Finding",
    "Manifest",
    "Service",
    "Tell",
    "api_key",
    "examine",
    "make_backup",
    "open_ledger",
    "open_service",
    "restore_backup",
    "serve",
]
