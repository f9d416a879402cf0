"""From the workflow to the screen: nothing in between is replaced."""
