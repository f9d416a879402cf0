"""Whether a log is what it was when it was written: checked by what it holds, and by checkpoints kept elsewhere."""
