"""`python -m phaseline`."""

from phaseline.cli import app

app()
