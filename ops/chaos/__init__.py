"""Faults on purpose: a plan of them, drawn from a seed, against a test stack, and the verdict."""
