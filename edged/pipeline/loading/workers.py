"""Count of workers and of threads of each: the share of the processor that the inference gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edged.config.environment import default_num_threads
from edged.memory_left import memory_left
from edged.vision.runtime.delegate import delegate_library

if TYPE_CHECKING:
    from edged.config import Config
    from edged.vision.specs import ModelFile

__all__ = ["WorkerPlan", "plan_workers"]

MEMORY_SHARE = 0.25  # of the memory that is left, for all workers but the first
WORKER_BYTES = 8 << 20  # of each, beside what follows from the size of its model
MODEL_COPIES = 2  # of the model's file in each: a float16 one is unpacked to float32; int8 takes less
SLOT_BYTES = 3 * 1920 * 1080  # of each camera's ring for each worker; of most cameras less


class WorkerPlan(NamedTuple):
    """So many workers, each with so many threads of its model."""

    workers: int
    threads: int


def plan_workers(config: Config, model: ModelFile, left: int | None = None) -> WorkerPlan:
    """Return the workers of *config* with *model*, where *left* bytes of memory are left (default: `memory_left`).

    What the configuration names is used. Else the processors, but for one, are shared: a worker for each as long as
    there are regions to embed side by side and memory for it, and what is left over as threads. A delegate library runs
    one model at a time.
    """
    chosen = config.model.num_threads if "num_threads" in config.model.model_fields_set else None
    processors = default_num_threads()  # one fewer than there are
    if delegate_library(config.model.delegate) is not None:
        return WorkerPlan(1, chosen or processors)
    if config.model.workers != "auto":
        count = config.model.workers
    else:
        regions = sum(len(camera.regions) for camera in config.cameras.values())
        affordable = _affordable(config, model, memory_left() if left is None else left)
        count = max(1, min(processors // (chosen or 1), regions, affordable))
    return WorkerPlan(count, chosen or max(1, processors // count))


def _affordable(config: Config, model: ModelFile, left: int | None) -> int:
    """The most workers for which there is memory; one needs none, because there has to be one."""
    if left is None:
        return 1
    each = WORKER_BYTES + MODEL_COPIES * len(model.content) + SLOT_BYTES * len(config.cameras)
    return 1 + int(MEMORY_SHARE * left) // each
