"""The rules of every ledger, once: checks, counts, ends and work items of one transaction.

A rule is a coroutine over a `Transaction`. It awaits nothing but statements, so a store may run it at once on a thread
of its own, as SQLite does, or wait for a server between two of them. A store brings its statements, by the same names,
and what runs them.
"""
