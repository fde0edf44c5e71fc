"""Publish ports: connections, their limits, and what is sent to them."""
