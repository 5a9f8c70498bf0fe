"""Reads by id, and waiting for the end of a task."""
