"""A model, loaded and ready to run."""

from __future__ import annotations

import os
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

from edged.errors import DelegateError, InferenceError, ModelError
from edged.values import Delegate
from edged.vision.runtime.delegate import delegate_library
from edged.vision.runtime.engine import EngineOption, choose_engine
from edged.vision.runtime.loader import REFUSALS, Loader, import_runtime, one_line

if TYPE_CHECKING:
    from types import TracebackType

    import numpy.typing as npt

    from edged.vision.specs import HeadSpec, ModelFile

__all__ = ["AUTO", "RUN_SECONDS", "Interpreter"]

AUTO = Delegate()
"""The engine's own choice of delegate."""

RUN_SECONDS = 30
"""The longest time of one run of a model. In its trial, a longer one refuses the model; in the daemon, it is a hang."""


class Interpreter:
    """One model on one engine with one delegate.

    It belongs to one thread: two that use it at the same moment get a ``RuntimeError``, not a wrong vector.
    ``invoke`` lets other threads run. What `read` gives is a copy; only `input` points into the runtime.

    ``num_threads`` is the most that the model may use; more than there are processors are never started.

    ``engine`` says what runs the model, such as ``ai-edge-litert 2.3.0``; ``delegate`` what is in effect:
    ``none``, ``xnnpack``, ``coral``, or ``external:`` and the library's file name.

    Raises:
        DelegateError: the engine or the delegate that was asked for cannot be had.
        ModelError: the engine cannot run this model, or an output has another length in it than in the file.
    """

    def __init__(
        self,
        model: ModelFile,
        *,
        engine: EngineOption = "auto",
        delegate: Delegate = AUTO,
        num_threads: int = 1,
    ) -> None:
        if num_threads < 1:
            raise ModelError(f"model {model.name}: the number of threads must be at least 1 (got {num_threads})")
        module, self.engine = import_runtime(choose_engine(engine, delegate))
        self._model = model
        self._lock = threading.Lock()
        self._runtime: Any  # neither runtime has types
        # TFLite's threads spin while they wait: more than processors take seconds a run, and thousands crash.
        loader = Loader(model, self.engine, module, min(num_threads, len(os.sched_getaffinity(0))))
        library = delegate_library(delegate)
        try:
            if library is None:
                self._runtime, self.delegate = loader.built_in(delegate)
            else:
                self._runtime, self.delegate = loader.external(library)
            # Each makes a view of what is there now: such a view is never kept, for the next run would be refused.
            self._view_input = self._runtime.tensor(model.input.index)
            self._outputs = {head.tensor_index: self._runtime.tensor(head.tensor_index) for head in model.heads}
            for head in model.heads:
                self._check_length(head)
        except SystemError as exc:
            raise DelegateError(
                f"{self.engine} was built for numpy 1 and does not work with numpy {version('numpy')}: "
                "run 'pip install \"numpy<2\"', or choose engine ai-edge-litert"
            ) from exc

    def input(self) -> npt.NDArray[Any]:
        """The input tensor of the model, to be written into: ``(1, height, width, 3)`` of the input's dtype.

        It is a view of the runtime's memory: let go of it before ``invoke``, which is refused while there is one. The
        pixels stay there until others are written.

        Raises:
            ValueError: the interpreter is closed.
        """
        self._begin()
        try:
            view: npt.NDArray[Any] = self._view_input()
        finally:
            self._lock.release()
        return view

    def write(self, pixels: npt.NDArray[Any]) -> None:
        """Copy *pixels* to the model: ``(1, height, width, 3)`` of the input's dtype, normalised as it wants.

        Raises:
            ValueError: the shape or the dtype is not the input's, or the interpreter is closed.
        """
        runtime = self._begin()
        try:
            runtime.set_tensor(self._model.input.index, pixels)
        finally:
            self._lock.release()

    def invoke(self) -> None:
        """Run the model on what was written.

        Raises:
            InferenceError: the engine or the delegate failed; a Coral stick that was pulled out does that.
            ValueError: the interpreter is closed.
        """
        runtime = self._begin()
        try:
            runtime.invoke()
        except REFUSALS as exc:
            raise InferenceError(
                f"model {self._model.name}: failed while running on {self.engine} "
                f"with delegate {self.delegate}: {one_line(exc)}"
            ) from exc
        finally:
            self._lock.release()

    def read(self, head: HeadSpec, out: npt.NDArray[Any]) -> None:
        """Copy to *out* what *head* gave, as the model stores it: ``(head.size,)`` of ``head.dtype``.

        Raises:
            ModelError: the output has another length than the file says, which some models show only when they run.
            ValueError: *out* does not fit, or the interpreter is closed.
        """
        self._begin()
        try:
            out[...] = self._outputs[head.tensor_index]().reshape(head.size)
        except ValueError:
            self._check_length(head)
            raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """Free the model, then its delegate. Closing twice is fine.

        Raises:
            RuntimeError: another thread is using it.
        """
        self._take_turn()
        try:
            self._outputs.clear()
            self._view_input = None
            self._runtime = None
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_length(self, head: HeadSpec) -> None:
        """Check that the engine gives *head* the length that the model file gives it."""
        try:
            length: int = self._outputs[head.tensor_index]().size
        except ValueError:  # the engine makes this output only when it runs
            return
        if length != head.size:
            raise ModelError(
                f"model {self._model.name}: the output tensor '{head.tensor_name}' has {length} numbers on "
                f"{self.engine}, and {head.size} by the file: convert the model again"
            )

    def _begin(self) -> Any:
        """The runtime; the caller releases the lock afterwards.

        No context manager: right after a run the processor's caches hold nothing of Python, and each call more costs
        some ten microseconds.
        """
        self._take_turn()
        if self._runtime is None:
            self._lock.release()
            raise ValueError(f"model {self._model.name} is closed")
        return self._runtime

    def _take_turn(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError(
                f"model {self._model.name}: two threads use one interpreter at the same time; "
                "give each its own, or let them take turns with a lock"
            )
