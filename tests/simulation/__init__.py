"""The send pipeline under a seeded scheduler: production code; time, log, wire, crashes injected.

`make simulate` runs many seeds; `tests/simulation/seeds.txt` holds those that once failed.
"""
