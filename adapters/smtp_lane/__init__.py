"""Our own SMTP client for volume: `domain.ports.Lanes` over pipelined, reused connections.

It tells before the final dot, after it, and the reply to it apart, which libraries do not; and it
writes no dot after the deadline, nor one that the journal does not know. `lanes.py` is the door.
"""

from adapters.smtp_lane.lanes import SmtpLanes
from adapters.smtp_lane.options import Options

__all__ = ["Options", "SmtpLanes"]
