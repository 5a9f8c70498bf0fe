"""The task service and what guards it: access, keys, quota, idempotency, expiry, events."""
