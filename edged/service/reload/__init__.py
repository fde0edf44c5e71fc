"""Reloads: the running stages follow a changed configuration."""
