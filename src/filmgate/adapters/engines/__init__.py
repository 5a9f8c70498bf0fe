"""What makes or fetches videos."""
