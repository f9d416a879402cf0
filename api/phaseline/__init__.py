"""phaseline: the server."""
