"""Coded video, read with PyAV: containers taken apart, frames decoded, turned upright and put in time."""
