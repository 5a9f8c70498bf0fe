"""Telling owners what became of their tasks."""
