"""How long phaseline takes, beside its peers in the same run. No test holds it to any of these figures."""
