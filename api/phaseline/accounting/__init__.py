"""GitHub's account of runs, as it arrives: by webhooks, and by asking."""
