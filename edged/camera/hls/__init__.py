"""HTTP Live Streaming (RFC 8216): playlists, and the segments that they list."""
