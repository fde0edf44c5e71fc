"""The configuration: ``load`` a YAML file into frozen values, or hear everything that is wrong with it."""

from edged.config.camera import CameraConfig, Policy
from edged.config.control import ControlConfig
from edged.config.dump import config_hash, dump
from edged.config.endpoint import Endpoint
from edged.config.loader import Loaded, load, load_text
from edged.config.model import FallbackConfig, ModelConfig
from edged.config.problems import ConfigFileError, KeyPath, Problem
from edged.config.region import RegionConfig
from edged.config.root import Config, LogConfig, PublishConfig, ReferenceConfig, default_leave
from edged.config.source import SourceSpec

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
    "config_hash",
    "default_leave",
    "dump",
    "load",
    "load_text",
]
