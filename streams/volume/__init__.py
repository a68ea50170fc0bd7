"""pm.attempts, pm.signals, pm.decisions → volume control's decisions, each record counted once.

`turn.py` is the pure fold that agent and replay (ops/volume_replay.py) share; `control.py` keeps
cursors, states and decisions in one transaction (ADR 0010).
"""
