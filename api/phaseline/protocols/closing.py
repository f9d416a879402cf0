"""How connections are closed that do not end by themselves: codes and reasons for WebSockets, and the time for it."""

INVALID_DATA = 1007
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
KEEPALIVE_TIMEOUT = 1011
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013

RESTARTING = "This server is stopping: come back with `after`"
NOT_ANSWERED = "keepalive ping timeout"
TOO_SLOW = "Too slow: come back with `after`"

# How long a viewer may take to read that its socket is closed and why, in seconds: one that was cut off, and one of a
# node that stops.
FAREWELL = 5.0
LAST_FAREWELL = 1.0
