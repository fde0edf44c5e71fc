"""The ways to load a model into a TFLite runtime: the one file that imports one.

The runtime is imported when the first model is opened. It then prints ``INFO: Created TensorFlow Lite XNNPACK
delegate for CPU.`` on stderr, once a process; neither runtime has a setting for that.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from edged.errors import DelegateError, ModelError
from edged.vision.runtime.delegate import CORAL_OP, DelegateLibrary

if TYPE_CHECKING:
    from edged.values import Delegate
    from edged.vision.runtime.engine import EngineName
    from edged.vision.specs import ModelFile

__all__ = ["REFUSALS", "Loader", "import_runtime", "one_line"]

log = logging.getLogger(__name__)

REFUSALS = (ValueError, RuntimeError)
"""The exceptions that the runtimes raise when they refuse something; which of the two is chance."""


class Loader:
    """The ways to load a model into a runtime.

    Each returns the runtime's interpreter, ready to run, and the delegate in effect. The runtime's
    interpreter frees the native one first and then the delegates that it holds: whoever lets go of it has the
    order right.
    """

    def __init__(self, model: ModelFile, engine: str, module: Any, num_threads: int) -> None:
        self._model = model
        self._engine = engine
        self._module = module
        self._num_threads = num_threads

    def built_in(self, delegate: Delegate) -> tuple[Any, str]:
        resolvers = self._module.OpResolverType
        plain = delegate.kind == "none"
        resolver = resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES if plain else resolvers.AUTO
        try:
            runtime = self._create(experimental_op_resolver_type=resolver)
            runtime.allocate_tensors()
        except REFUSALS as exc:
            raise self._model_error(exc) from exc
        in_effect = _default_delegate(runtime)
        if delegate.kind == "xnnpack" and in_effect != "xnnpack":
            raise DelegateError(
                f"delegate xnnpack: {self._engine} does not apply it to model {self._model.name} "
                "(tflite-runtime does for float models only): "
                "choose engine ai-edge-litert, or delegate auto"
            )
        return runtime, in_effect

    def external(self, library: DelegateLibrary) -> tuple[Any, str]:
        library.check(self._engine)
        try:
            delegate = self._module.load_delegate(library.path, dict(library.options))
        except REFUSALS as exc:
            raise self._delegate_error(library, f"{library.path} did not start", exc) from exc
        try:
            runtime = self._create(experimental_delegates=[delegate])
            taken = _delegated(runtime)  # asked now, for allocate_tensors gives what is left to XNNPACK
            runtime.allocate_tensors()
        except REFUSALS as exc:
            raise self._delegate_error(library, f"cannot run model {self._model.name}", exc) from exc
        if taken:
            return runtime, library.label
        return runtime, self._without(library, runtime)

    def _without(self, library: DelegateLibrary, runtime: Any) -> str:
        """The delegate in effect where *library* works, but takes no operator of the model."""
        if library.label == "coral":
            raise DelegateError(
                f"delegate coral: model {self._model.name} is not compiled for the Edge TPU and would run on "
                "the CPU: compile it with edgetpu_compiler, or choose another delegate"
            )
        in_effect = _default_delegate(runtime)
        log.warning(
            "delegate %s takes no operator of model %s: the delegate in effect is %s",
            library.label,
            self._model.name,
            in_effect,
        )
        return in_effect

    def _create(self, **options: Any) -> Any:
        content, image = self._model.content, self._model.input
        runtime = self._module.Interpreter(model_content=content, num_threads=self._num_threads, **options)
        if image.resized:
            runtime.resize_tensor_input(image.index, [1, image.height, image.width, 3])
        return runtime

    def _model_error(self, exc: Exception) -> ModelError:
        if CORAL_OP in self._model.custom_ops:
            return ModelError(
                f"model {self._model.name} is compiled for the Edge TPU and runs with delegate coral only: "
                f"choose that, or the model that it was compiled from ({one_line(exc)})"
            )
        return ModelError(f"model {self._model.name}: {self._engine} cannot run it: {one_line(exc)}")

    def _delegate_error(self, library: DelegateLibrary, what: str, exc: Exception) -> DelegateError:
        return DelegateError(f"delegate {library.label}: {what} on {self._engine} ({one_line(exc)}): {library.cure}")


def import_runtime(name: EngineName) -> tuple[Any, str]:
    """The module of the engine *name*, and the engine's name with its version."""
    try:
        if name == "tflite-runtime":
            import tflite_runtime as package
            import tflite_runtime.interpreter as module
        else:
            import ai_edge_litert as package
            import ai_edge_litert.interpreter as module
    except ImportError as exc:
        raise DelegateError(
            f"the engine {name} is installed but cannot be loaded ({one_line(exc)}): "
            f"run 'pip install --force-reinstall {name}', or choose another engine"
        ) from exc
    return module, f"{name} {package.__version__}"


def _default_delegate(runtime: Any) -> str:
    return "xnnpack" if _delegated(runtime) else "none"


def _delegated(runtime: Any) -> bool:
    operators = runtime._get_ops_details()  # noqa: SLF001 - nothing public tells, in both runtimes
    return any(operator["op_name"] == "DELEGATE" for operator in operators)


def one_line(exc: Exception) -> str:
    """The text of *exc* in one line, or its class where it has none."""
    return " ".join(str(exc).split()) or type(exc).__name__
