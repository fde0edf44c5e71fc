"""The image embedder: the one inside the daemon, and a library by itself."""
