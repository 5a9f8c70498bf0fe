"""Duties before and after the route of every request, one in each module; `app` has the order."""
