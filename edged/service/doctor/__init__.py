"""``edged doctor``: what would keep a daemon on this machine from working, and what to do about it."""
