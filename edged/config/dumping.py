"""A ``Config`` as YAML with every default written out, which loads again to an equal one.

Users and passwords in URLs are hidden: a text in which that was done is refused until they are written in again.
"""

from __future__ import annotations

import hashlib
from typing import Any

import yaml

from edged.config.reader.scalars import NUMBER
from edged.config.reader.variables import escaped
from edged.config.sections.root import Config

__all__ = ["YamlDumper", "config_hash", "dump"]


class YamlDumper(yaml.SafeDumper):
    """Puts text in quotes that YAML 1.1 or 1.2 would read as something else."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012  # so PyYAML declares it
        first: [*resolvers, ("tag:yaml.org,2002:float", NUMBER)]
        for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }


def dump(config: Config) -> str:
    """*config* as text: all defaults, absolute paths, what variables hold, ``***`` for users and passwords."""
    values = _spelled(config.model_dump(mode="json", by_alias=True))
    return yaml.dump(values, Dumper=YamlDumper, sort_keys=False, allow_unicode=True, width=110)


def _spelled(value: Any) -> Any:
    """Return *value* so that nothing in it is taken for a ``${NAME}`` when it is read again."""
    match value:
        case dict():
            return {key: _spelled(each) for key, each in value.items()}
        case list():
            return [_spelled(each) for each in value]
        case str():
            return escaped(value)
        case _:
            return value


def config_hash(config: Config) -> str:
    """12 hex digits that differ when anything in *config* does but the hidden users and passwords.

    It is published, and a password could be found by trying words until the hash is right.
    """
    return hashlib.sha256(config.model_dump_json(by_alias=True).encode()).hexdigest()[:12]
