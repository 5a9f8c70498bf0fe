"""The HTTP side that all dialects share: the application, the fast path of queries, errors, health, documentation."""
