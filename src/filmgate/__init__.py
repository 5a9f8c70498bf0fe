"""Filmgate: the gate every AI video generation passes."""

__version__ = "0.1.0"
