"""Lets waiting sends go: within caps, fair between tenants, only while the schedule is current."""
