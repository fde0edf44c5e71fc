"""A check that the shapes and options of a model's operators fit together.

The kernels check a part of it, each runtime another part. Without a check they divide by zero, or write past the end
of a tensor. The operators of image networks have rules that follow the shapes through the network. For the others
only the numbers of inputs and outputs are checked here, and the rest is left to the trial run in a child process.

The trial does not replace these rules, although it finds most of what they refuse. A kernel that reads past the end of
a block survives the trial, because a strict heap notices only writes, and dies later where the next page is missing.
Two such cases are known: a DEPTHWISE_CONV_2D whose filter does not have the channels of its input (tflite-runtime with
XNNPACK), and a MEAN whose input and output differ in type (ai-edge-litert with XNNPACK). To find the first one, the
shapes must be followed through everything that comes before it. The shapes are also the lengths of the vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.vision.tflite.operator_rules import ANY, NONE, RULES, Rule
from edged.vision.tflite.operator_site import Shape, Site
from edged.vision.tflite.tensors import BITS, GraphError, by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edged.vision.tflite.graph import Graph
    from edged.vision.tflite.tensors import Tensor

__all__ = ["check_operators"]


def check_operators(graph: Graph) -> dict[int, Shape]:
    """Check the operators of *graph*, in their order.

    Returns the shapes that the tensors have when the model runs, by their numbers, as far as they can be known. Those
    in the file may be wrong in good models, because the runtimes compute them again.

    Raises:
        GraphError: an operator lacks an input, an output or its options, or they do not fit together.
    """
    computed = {index for operator in graph.operators for index in operator.outputs}.union(graph.inputs)
    shapes = {tensor.index: tensor.shape for tensor in graph.tensors if tensor.index not in computed}
    constant = {tensor.index for tensor in graph.tensors if tensor.constant is not None}
    shapes |= {index: graph.tensors[index].shape for index in graph.inputs if _has_known_shape(graph.tensors[index])}
    for operator in graph.operators:
        shapes |= _output_shapes(Site(graph, operator, shapes))
        if constant.issuperset(operator.inputs):
            constant.update(operator.outputs)
    for index in constant:  # some delegates compute these while they load, by the shape in the file
        tensor = graph.tensors[index]
        if shapes.get(index, tensor.shape) != tensor.shape:
            raise GraphError(f"{graph}: {tensor} is {by(shapes[index])}, but the file says {by(tensor.shape)}")
    return shapes


def _output_shapes(site: Site) -> dict[int, Shape]:
    """The shapes of the outputs of an operator, by their numbers, as far as they can be known."""
    operator, tensors = site.operator, site.graph.tensors
    rule = None if operator.custom else RULES.get(operator.name)
    if rule is not None:
        _check_parts(site, rule)
    inputs = [index for index in operator.inputs if index != -1]
    if any(index not in site.shapes for index in inputs):
        return {}
    if rule is not None and rule.shape is not None:
        _check_types(site)
        shape = rule.shape(site)
        if shape is not None:
            site.check_size(shape)
            return dict.fromkeys(operator.outputs, shape)
    if any(site.shapes[index] != tensors[index].shape for index in inputs):
        return {}
    return {index: tensors[index].shape for index in operator.outputs if _has_known_shape(tensors[index])}


def _has_known_shape(tensor: Tensor) -> bool:
    """Whether its shape in the file is its real one: an empty shape, a 0 and a -1 stand for an unknown one."""
    return tensor.shape != () and 0 not in tensor.shape and -1 not in tensor.signature[1:]


def _check_parts(site: Site, rule: Rule) -> None:
    """Check that an operator has the inputs, outputs and options of its *rule*."""
    inputs, outputs, options = site.operator.inputs, site.operator.outputs, site.operator.options_name
    needed = len(inputs) if rule.most == ANY else rule.least
    if not rule.least <= len(inputs) <= rule.most or -1 in inputs[:needed]:
        site.fail(f"has {sum(index != -1 for index in inputs)} inputs, and needs {rule.least}")
    if len(outputs) != rule.outputs and (rule.outputs != ANY or not outputs):
        site.fail(f"has {len(outputs)} outputs, and needs {'some' if rule.outputs == ANY else rule.outputs}")
    if rule.options and options != rule.options:
        site.fail(f"has {options or 'no options'}, and needs {rule.options}")
    if rule.values is not NONE:
        _check_same_type(site, inputs[rule.values])


def _check_same_type(site: Site, values: Sequence[int]) -> None:
    tensors = site.graph.tensors
    types = {tensors[index].type for index in (*values, *site.operator.outputs) if index != -1}
    if len(types) > 1:
        site.fail(f"computes with {' and '.join(sorted(types))} at once")


def _check_types(site: Site) -> None:
    for index in (*site.operator.inputs, *site.operator.outputs):
        if index != -1 and site.graph.tensors[index].type not in BITS:
            site.fail(f"computes with {site.graph.tensors[index]}, which is of type {site.graph.tensors[index].type}")
