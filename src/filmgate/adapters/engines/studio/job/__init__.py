"""One job, from the order to the finished file."""
