"""How receivers regard a scope, from weighted signals: for people and alerts.

`step(state, input)` folds the governor's inputs and those of `inputs.py`; the governor itself uses
raw signals, never a score. `due_s(state)` says when time alone has something to tell; `score_of`
gives a score now; `encode` and `decode` keep a state as bytes.
"""

from domain.reputation.canonical import OtherVersion, decode, encode
from domain.reputation.clock import due_s
from domain.reputation.scoring import Score
from domain.reputation.state import State, initial
from domain.reputation.step import step
from domain.reputation.telling import score_of
from domain.reputation.weights import VERSION

__all__ = [
    "VERSION",
    "OtherVersion",
    "Score",
    "State",
    "decode",
    "due_s",
    "encode",
    "initial",
    "score_of",
    "step",
]
