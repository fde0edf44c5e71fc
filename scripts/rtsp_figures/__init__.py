"""Figures of what an RTSP camera costs; see ``scripts/rtsp-figures``."""
