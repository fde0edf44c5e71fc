"""The publish port: everybody who is connected to it, their limits, and what is sent to whom."""
