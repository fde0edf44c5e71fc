"""The way of a frame: captures, their rings, the inference, the hand-over and the publisher."""
