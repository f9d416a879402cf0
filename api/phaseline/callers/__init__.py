"""Finds out who is calling: by a token, a signed-in browser's cookie, or a workflow run's ID token."""
