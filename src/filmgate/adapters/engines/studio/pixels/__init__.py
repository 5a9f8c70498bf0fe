"""Pictures and clips in memory and on disk."""
