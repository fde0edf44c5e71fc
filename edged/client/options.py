"""Options of a subscriber: their types, the type of the messages that they select, and checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from edged.client.keys import KeyFile
from edged.wire import KINDS, Kind, Message

__all__ = ["Received_co", "SubscriberOptions", "check_positive", "checked_kinds"]

# A plain ``Subscriber`` in an annotation is one to messages of every kind. Only checkers of types look at that: before
# Python 3.13, defaults of type variables are in typing_extensions, which need not be installed.
if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Received_co = TypeVar("Received_co", bound=Message, covariant=True, default=Message)
else:
    from typing import TypeVar

    Received_co = TypeVar("Received_co", covariant=True)


class SubscriberOptions(TypedDict, total=False):
    """The options of a `Subscriber` but for its kinds."""

    node: str | None
    camera: str | None
    region: str | None
    newest_only: bool
    max_age_seconds: float | None
    same_host: bool | None
    queue: int
    queue_bytes: int
    server_key: KeyFile | Mapping[str, KeyFile] | None
    client_key: KeyFile | None
    authorized_clients: KeyFile | None
    nodes: Mapping[str, str] | None
    vectors: bool


def checked_kinds(kinds: tuple[Kind, ...] | Kind) -> tuple[Kind, ...]:
    """Return *kinds* as a tuple.

    Raises:
        ValueError: it is empty, or one of them is not a kind.
    """
    chosen = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if not chosen or not set(chosen) <= set(KINDS):
        raise ValueError(f"kinds must be one or more of {', '.join(KINDS)} (got {kinds!r})")
    return chosen


def check_positive(**numbers: float | None) -> None:
    """Check that each of *numbers* that is given is positive.

    Raises:
        ValueError: one of them, which the text names, is not.
    """
    for name, number in numbers.items():
        if number is not None and not number > 0:
            raise ValueError(f"{name} must be greater than 0 (got {number})")
