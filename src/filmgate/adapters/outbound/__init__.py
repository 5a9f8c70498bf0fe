"""Requests to other hosts: name resolution, address checks, downloads, provider clients."""
