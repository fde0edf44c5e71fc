"""The configuration: ``load`` a YAML file into frozen values, or raise everything that is wrong with it.

What reads configurations takes 15 MiB of memory. It is loaded with the first of the names below, so that a program that
wants ``edged.config.environment`` alone does without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edged.config.dumping import config_hash, dump
    from edged.config.problems import ConfigFileError, KeyPath, Problem
    from edged.config.reader.loader import Loaded, load, load_text, with_camera
    from edged.config.sections.camera import CameraConfig, Policy
    from edged.config.sections.control import ControlConfig
    from edged.config.sections.endpoint import Endpoint
    from edged.config.sections.model import FallbackConfig, ModelConfig
    from edged.config.sections.publish import PublishConfig
    from edged.config.sections.reference import ReferenceConfig, default_leave
    from edged.config.sections.region import RegionConfig
    from edged.config.sections.root import Config, LogConfig
    from edged.config.sections.source import SourceSpec
    from edged.config.sections.states import StateSetConfig

__all__ = [
    "CameraConfig",
    "Config",
    "ConfigFileError",
    "ControlConfig",
    "Endpoint",
    "FallbackConfig",
    "KeyPath",
    "Loaded",
    "LogConfig",
    "ModelConfig",
    "Policy",
    "Problem",
    "PublishConfig",
    "ReferenceConfig",
    "RegionConfig",
    "SourceSpec",
    "StateSetConfig",
    "config_hash",
    "default_leave",
    "dump",
    "load",
    "load_text",
    "with_camera",
]

_HOMES = {
    "edged.config.dumping": ("config_hash", "dump"),
    "edged.config.problems": ("ConfigFileError", "KeyPath", "Problem"),
    "edged.config.reader.loader": ("Loaded", "load", "load_text", "with_camera"),
    "edged.config.sections.camera": ("CameraConfig", "Policy"),
    "edged.config.sections.control": ("ControlConfig",),
    "edged.config.sections.endpoint": ("Endpoint",),
    "edged.config.sections.model": ("FallbackConfig", "ModelConfig"),
    "edged.config.sections.publish": ("PublishConfig",),
    "edged.config.sections.reference": ("ReferenceConfig", "default_leave"),
    "edged.config.sections.region": ("RegionConfig",),
    "edged.config.sections.root": ("Config", "LogConfig"),
    "edged.config.sections.source": ("SourceSpec",),
    "edged.config.sections.states": ("StateSetConfig",),
}


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
