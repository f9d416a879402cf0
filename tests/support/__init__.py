"""What several tests need: a real server, and callers of it."""
