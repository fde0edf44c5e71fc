"""The inference stage: embeds the regions of all cameras and compares them."""
