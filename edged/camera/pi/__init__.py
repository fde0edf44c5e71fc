"""Cameras of a Raspberry Pi, through picamera2 and libcamera, which are imported only when such a camera is opened."""
