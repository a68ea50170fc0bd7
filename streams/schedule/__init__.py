"""The schedule: what waits, folded from decisions, requests and attempts."""
