"""Ledgers. Each store here implements `filmgate.ports.ledger.Ledger` with the rules of `transactions`."""
