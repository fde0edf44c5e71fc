"""The section ``publish``: the endpoints of messages, and the keys that decide who may subscribe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from edged.config.environment import default_endpoints
from edged.config.problems import KeyPath, shown, suggestion
from edged.config.sections.endpoint import Endpoint
from edged.config.sections.fields import (
    MAPPING,
    WORD,
    EndpointText,
    FilePath,
    Read,
    Section,
    at_least_one,
    misfit,
    several,
)
from edged.config.sections.paths import absolute

__all__ = ["PublishConfig"]

KeyFiles: TypeAlias = Path | Mapping[str, Path]
"""One file for every endpoint, or a file by endpoint."""


def _tag(value: object) -> str | None:
    if isinstance(value, str):
        return WORD
    return MAPPING if isinstance(value, Mapping) else None


def _read(value: str | Mapping[str, Path], folder: Path) -> KeyFiles:
    if isinstance(value, str):
        return absolute(value, folder)
    return {_as_endpoint(endpoint, folder): file for endpoint, file in value.items()}


def _as_endpoint(text: str, folder: Path) -> str:
    try:
        return str(Endpoint.parse(text, folder))
    except ValueError:
        return text  # which is then refused as none of the endpoints


def _write(files: KeyFiles) -> object:
    return str(files) if isinstance(files, Path) else {endpoint: str(file) for endpoint, file in files.items()}


KeySetting: TypeAlias = Annotated[
    Any,  # a KeyFiles, which pydantic need not look into
    Read(
        Annotated[
            Annotated[str, Tag(WORD)] | Annotated[Mapping[str, FilePath], at_least_one, Tag(MAPPING)],
            Discriminator(
                _tag,
                custom_error_type="misfit",
                custom_error_message="must be a key file, or a mapping with a key file for each endpoint",
            ),
        ],
        _read,
        _write,
    ),
]


class PublishConfig(Section):
    """Endpoints of the messages, and the keys of those who may subscribe."""

    endpoints: Annotated[tuple[EndpointText, ...], several, at_least_one] = Field(
        default_factory=default_endpoints,
        json_schema_extra={"minItems": 1},
        validate_default=True,
        description="ZeroMQ addresses after pub+bind: or pub+connect:. Beyond this machine they need keys. Default: "
        "ipc://$RUNTIME_DIRECTORY/pub.sock (else ipc://$XDG_RUNTIME_DIR/edged/pub.sock) and tcp://127.0.0.1:5556.",
    )
    server_key: KeySetting | None = Field(
        default=None,
        description="Our secret key (from 'edged keygen server') for pub+bind:tcp:// endpoints, which then let in only "
        "authorized_clients. Or a mapping with a key for each endpoint.",
    )
    authorized_clients: FilePath | None = Field(
        default=None, description="Goes with server_key: the folder with the public keys of those who may subscribe."
    )
    hub_key: KeySetting | None = Field(
        default=None,
        description="The public key of the hub that a pub+connect:tcp:// endpoint calls. Or a mapping with a key for "
        "each endpoint.",
    )
    client_key: FilePath | None = Field(
        default=None,
        description="Goes with hub_key: our own secret key (from 'edged keygen client'), which the hub has to know.",
    )
    insecure: bool = Field(
        default=False,
        description="Allow tcp:// endpoints without keys that everybody on the network can read along.",
    )
    max_connections: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=256,
        description="How many subscribers can be connected to each endpoint. Above that, connections that have not "
        "finished their handshake or subscribe to nothing are cut first, and then newcomers are refused.",
    )

    top_k: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=100, description="How many similarities a message holds at most: the best ones of its region."
    )

    def key_of(self, endpoint: Endpoint) -> tuple[KeyPath, Path] | None:
        """Return the file with the key of the server at *endpoint*, and the setting that names it. None: it has none.

        A socket file needs none, because the permissions of its folder decide who may open it.
        """
        setting = "server_key" if endpoint.mode == "bind" else "hub_key"
        files: KeyFiles | None = getattr(self, setting)
        if endpoint.transport != "tcp" or files is None:
            return None
        if isinstance(files, Path):
            return (setting,), files
        file = files.get(str(endpoint))
        return None if file is None else ((setting, str(endpoint)), file)

    @field_validator("endpoints")
    @classmethod
    def _each_once(cls, endpoints: tuple[EndpointText, ...]) -> tuple[EndpointText, ...]:
        seen: set[str] = set()
        for index, endpoint in enumerate(endpoints):
            if endpoint.address in seen:
                raise misfit(f"must not be given twice (got {shown(str(endpoint))})", at=(index,))
            if not endpoint.address.endswith(":*"):
                seen.add(endpoint.address)
        return endpoints

    @model_validator(mode="after")
    def _keys_go_together(self) -> Self:
        for key, partner, what in (
            ("server_key", "authorized_clients", "the folder with the public keys of those who may subscribe"),
            ("hub_key", "client_key", "our own secret key, which the hub knows us by"),
        ):
            if getattr(self, key) is not None and getattr(self, partner) is None:
                raise misfit(f"needs {partner} beside it: {what}", at=(key,))
            if getattr(self, key) is None and getattr(self, partner) is not None:
                raise misfit(f"goes with {key}, and that is missing", at=(partner,))
        return self

    @model_validator(mode="after")
    def _keys_have_endpoints(self) -> Self:
        for setting, mode in (("server_key", "bind"), ("hub_key", "connect")):
            files: KeyFiles | None = getattr(self, setting)
            keyed = [str(each) for each in self.endpoints if each.mode == mode and each.transport == "tcp"]
            for endpoint in files if isinstance(files, Mapping) else ():
                if endpoint not in keyed:
                    rule = f"must be one of the pub+{mode}:tcp:// endpoints (got {shown(endpoint)})"
                    raise misfit(f"{rule}; {suggestion(endpoint, keyed)}", at=(setting, endpoint))
        return self

    @model_validator(mode="after")
    def _in_clear_only_if_allowed(self) -> Self:
        for index, endpoint in enumerate(self.endpoints):
            if not (endpoint.is_local or self.key_of(endpoint) or self.insecure):
                setting = "server_key" if endpoint.mode == "bind" else "hub_key"
                raise misfit(
                    f"must stay on this machine (127.0.0.1, [::1], localhost or ipc://) or have a {setting} ('edged "
                    "keygen --help' explains): in clear text everybody on the network can read along, which "
                    f"'insecure: true' would allow (got {shown(str(endpoint))})",
                    at=("endpoints", index),
                )
        return self
