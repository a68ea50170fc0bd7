"""Volume control as a pure function: how much may leave, where to, how fast, and why.

`step(state, input)` folds what happened and the passing of time; `allowance(state, scopes, until)`
says how much may leave and what binds it; `encode` and `decode` keep a state as bytes.
"""

from domain.governor.allowance import Allowance, allowance, limits
from domain.governor.canonical import decode, encode
from domain.governor.state import VERSION, State, initial
from domain.governor.step import step

__all__ = [
    "VERSION",
    "Allowance",
    "State",
    "allowance",
    "decode",
    "encode",
    "initial",
    "limits",
    "step",
]
