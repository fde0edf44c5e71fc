"""Pixels on the way to a model's input: crop, resize, rotation and colour conversion."""
