"""Bugs that are planted into copies of the source, one at a time, each with the tests that have to find it."""
