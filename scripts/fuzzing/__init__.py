"""Programs that damage what a good peer sends: the damage, and the loop over cases. Each is a script of its own."""
