"""Stands in for PiDNG, which has to be compiled: picamera2 imports it to save raw pictures, which nobody does here."""
