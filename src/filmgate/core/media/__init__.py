"""Media that requests refer to, uploads, finished files and their links."""
