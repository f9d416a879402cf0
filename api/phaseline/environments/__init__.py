"""Where deploys go: the TOML file of PHASELINE_ENVIRONMENTS_FILE, read once before serving."""
