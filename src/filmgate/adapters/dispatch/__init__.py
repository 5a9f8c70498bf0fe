"""Dispatchers: each takes due work and has it done."""
