"""GitHub as phaseline sees it: what is asked of it, and what it tells by itself. No database, nothing of the API."""
