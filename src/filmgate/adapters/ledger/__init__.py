"""Ledgers: each package here implements `filmgate.ports.ledger.Ledger`."""
