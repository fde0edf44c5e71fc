"""A check that every operator of a model reads only tensors that have a value when it runs.

The runtimes run the operators in the order of the file. A tensor that was not written yet has no memory, or
that of another tensor: to read it is a crash or gives nonsense.

The trial run in a child process does not replace this check, because that memory may hold something else the next
time. tflite-runtime survives a SLICE whose begin is not written yet with XNNPACK, and dies of it without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.vision.tflite.tensors import GraphError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edged.vision.tflite.graph import Graph, Network, Operator

__all__ = ["check_dataflow"]


def check_dataflow(network: Network) -> None:
    """Check the order of the operators in each graph of *network*, and of the graphs that they run.

    Raises:
        GraphError: a tensor is read before it is written, or written twice, or a graph runs itself; or a sparse
            constant is read by another operator than DENSIFY.
    """
    for graph in network.graphs:
        _check_order(graph)
        _check_sparse(graph)
    _check_calls(network)


def _check_order(graph: Graph) -> None:
    written = {tensor.index for tensor in graph.tensors if tensor.constant is not None or tensor.variable}
    empty = {tensor.index for tensor in graph.tensors if 0 in tensor.shape}
    for index in graph.inputs:
        if index in written:
            raise GraphError(f"{graph}: its input {graph.tensors[index]} is a constant, or comes twice")
        written.add(index)
    for operator in graph.operators:
        for index in operator.inputs:
            if index != -1 and index not in written and index not in empty:
                raise GraphError(f"{graph}, {operator} reads {graph.tensors[index]} before it is written")
        for index in operator.outputs:
            if index in written:
                raise GraphError(f"{graph}, {operator} writes {graph.tensors[index]} over its value")
            written.add(index)
    for index in graph.outputs:
        if index not in written and index not in empty:
            raise GraphError(f"{graph}: its output {graph.tensors[index]} is never written")


def _check_sparse(graph: Graph) -> None:
    """Check that only DENSIFY reads sparse constants.

    FULLY_CONNECTED has a kernel for them too, but XNNPACK takes its weights as dense and reads past their end.
    """
    sparse = {tensor.index for tensor in graph.tensors if tensor.sparse}
    for operator in graph.operators:
        found = () if operator.name == "DENSIFY" and not operator.custom else sparse.intersection(operator.inputs)
        for index in found:
            raise GraphError(
                f"{graph}, {operator} reads {graph.tensors[index]}, which is sparse, and only DENSIFY can: "
                "convert the model again without sparsity"
            )
    for index in sparse.intersection(graph.outputs):
        raise GraphError(f"{graph}: its output {graph.tensors[index]} is a sparse constant")


def _check_calls(network: Network) -> None:
    """Check the operators that run other graphs. None may come back to its own graph: that would never end."""
    calls = [{index for operator in graph.operators for index in _called(operator)} for graph in network.graphs]
    for graph, called in zip(network.graphs, calls, strict=True):
        if missing := called.difference(range(len(calls))):
            raise GraphError(f"{graph} runs subgraph {min(missing)}, and there are {len(calls)}")
    ending: set[int] = set()
    while rest := [index for index in range(len(calls)) if index not in ending]:
        found = [index for index in rest if calls[index] <= ending]
        if not found:
            raise GraphError(f"{network.graphs[rest[0]]} runs itself, or a graph that does, and never ends")
        ending.update(found)


def _called(operator: Operator) -> Iterator[int]:
    for field, value in operator.options.items():
        if field == "subgraph" or field.endswith("subgraph_index"):
            yield value
        elif field in {"called_computations", "branch_subgraph_indices"} and value is not None:
            yield from value.tolist()
