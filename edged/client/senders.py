"""Nodes that the boards at a hub may speak for, by the names of their keys."""

from __future__ import annotations

from collections.abc import Mapping

from edged.values import check_name

__all__ = ["Senders"]

SUFFIX = "-client"  # of the files that 'edged keygen client' makes


class Senders:
    """Checks messages against the name of their sender's key, which is the name of its file.

    The key ``porch`` or ``porch-client`` is that of the node ``porch``; *nodes* has the nodes of keys with other names.

    Raises:
        ValueError: a node in *nodes* is not a legal name.
    """

    def __init__(self, nodes: Mapping[str, str]) -> None:
        self.refused = 0
        """Number of messages that were refused."""
        self.troubles: dict[str, str] = {}
        """By key, why its messages are refused; the first reason of each."""
        self._nodes = {key: check_name(node) for key, node in nodes.items()}

    def may_send(self, key: str, node: str) -> bool:
        """Return whether a sender with *key* may send messages of *node*; count and note it if not."""
        own = self._nodes.get(key)
        if node == own or (own is None and node in (key, key.removesuffix(SUFFIX))):
            return True
        self.refused += 1
        its = own or key.removesuffix(SUFFIX)
        self.troubles.setdefault(
            f"key {key}", f"its messages of node {node} are refused, because its node is {its} (docs/keys.md)"
        )
        return False
