"""The way of a frame: capture threads, their rings, the inference worker, the hand-over and the publisher."""
