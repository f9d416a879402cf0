"""What GitHub is asked to do for deploys: to begin runs, cancel them, run them again; and what it tells before."""
