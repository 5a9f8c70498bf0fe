"""The HTTP side that all dialects share: the gate, the query lane, errors, health, documentation."""
