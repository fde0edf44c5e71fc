"""YAML text becomes a checked ``Config``, or a list of all its problems with their lines."""
