"""Files in TOML that people write: read once, and every mistake told by its line and its key."""
