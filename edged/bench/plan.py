"""The plan of a measurement: source, model, engine and rate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["BenchPlan"]

FASTEST = 1000.0  # frames per second: more than a file can be played with


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """One measurement, with values as in the configuration; ``threads`` and ``workers`` None are its
    defaults.

    ``fps`` is that of all cameras together; None is saturation: frames come faster than they can be embedded. All
    ``cameras`` have the same source. The ``seconds`` begin after a warm-up.
    """

    source: str = "pattern:640x480"
    model: str = "efficientnet-lite0"
    engine: str = "auto"
    delegate: str = "auto"
    threads: int | None = None
    resize: str = "exact"
    fps: float | None = None
    cameras: int = 1
    seconds: float = 10.0
    workers: int | None = None

    @property
    def plays(self) -> bool:
        """Whether the source is a clip, which waits for the model, and not a camera, which does not."""
        return self.source.startswith(("file:", "dir:"))

    def configuration(self, address: str, invoke_ms: float | None = None, workers: int = 1) -> str:
        """Return the text of a configuration that publishes only on *address*.

        At saturation a test picture comes 1.5 times as often as so many *workers* can embed it; the model takes
        *invoke_ms*.
        """
        model: dict[str, Any] = {"engine": self.engine, "delegate": self.delegate, "resize": self.resize}
        if self.threads is not None:
            model["num_threads"] = self.threads
        if self.workers is not None:
            model["workers"] = self.workers
        model |= {"path": str(Path(self.model).absolute())} if _is_file(self.model) else {"name": self.model}
        document = {
            "node": "bench",
            "model": model,
            "cameras": {f"bench{number}": self._camera(invoke_ms, workers) for number in range(1, self.cameras + 1)},
            "publish": {"endpoints": [f"pub+bind:{address}"]},
        }
        return json.dumps(document)  # JSON is YAML

    def _camera(self, invoke_ms: float | None, workers: int) -> dict[str, Any]:
        if self.plays:
            kind, _, path = self.source.partition(":")
            source = f"{kind}:{Path(path).expanduser().absolute()}"
            return {"source": source, "loop": True, "policy": "block", "fps": self._share(FASTEST)}
        camera: dict[str, Any] = {"source": self.source}
        if self.fps is not None:
            camera["fps"] = self._share(self.fps)
        elif self.source.startswith("pattern:") and invoke_ms:
            camera["fps"] = self._share(1500 * workers / invoke_ms)
        return camera

    def _share(self, otherwise: float) -> float:
        """Return the frames per second of one camera: its share of the requested rate, or of *otherwise*."""
        return min(FASTEST, round((self.fps or otherwise) / self.cameras, 3))


def _is_file(model: str) -> bool:
    return "/" in model or model.endswith(".tflite")
