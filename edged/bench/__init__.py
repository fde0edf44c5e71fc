"""Measurements of ``edged bench``: the daemon with a subscriber, and the bare model for comparison."""
