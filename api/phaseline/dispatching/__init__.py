"""What GitHub is asked to do for deploys: to begin runs, to cancel them, to run them again; and what it tells before."""
