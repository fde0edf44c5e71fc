"""The script that one would write without edged: a video, tflite-support, a PUB socket. For scripts/bench-peers.

straight.py MODEL VIDEO REFERENCE.jpg ADDRESS: embeds every frame of the video, in a loop, and publishes the vector and
its similarity.
"""

from __future__ import annotations

import ctypes
import sys
from importlib import import_module
from typing import Any

import cv2
import numpy as np
import zmq


def main() -> None:
    """Run until killed."""
    ctypes.CDLL(import_module("libusb_package").get_library_path(), ctypes.RTLD_GLOBAL)
    vision: Any = import_module("tflite_support.task.vision")
    core: Any = import_module("tflite_support.task.core")
    model, video, reference, address = sys.argv[1:]
    options = vision.ImageEmbedderOptions(core.BaseOptions(file_name=model, num_threads=1))
    embedder = vision.ImageEmbedder.create_from_options(options)
    wanted = embedder.embed(vision.TensorImage.create_from_file(reference)).embeddings[0].feature_vector
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PUB)
    socket.bind(address)
    capture = cv2.VideoCapture(video)
    while True:
        ok, frame = capture.read()
        if not ok:
            capture = cv2.VideoCapture(video)
            continue
        rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)  # must live as long as the image, otherwise it segfaults
        image = vision.TensorImage.create_from_array(rgb)
        vector = embedder.embed(image).embeddings[0].feature_vector
        similarity = embedder.cosine_similarity(vector, wanted)
        socket.send_multipart([b"scene", str(similarity).encode(), np.asarray(vector.value, np.float32).tobytes()])


if __name__ == "__main__":
    main()
