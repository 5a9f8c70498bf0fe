"""The parts shared by all upstreams: lenient parsing, statuses, errors."""
