"""edged: camera frames in, embeddings and similarities out, on the device.

The package imports nothing by itself. ``edged.vision`` is the embedder library, ``edged.client`` the subscriber.
"""

__version__ = "0.1.0"
