"""What calling a provider in its dialect takes: lenient parsing, statuses, errors."""
