"""A small RTSP client that feeds FFmpeg's decoders: every wait has a limit, and every length is bounded."""
