"""Volume control as people look at it: plans, decisions, use by day, reputation, listings."""
