"""The groups of `phaseline` commands, and what they share."""
