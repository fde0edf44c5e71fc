"""The configuration: ``load`` a YAML file into frozen values, or raise everything that is wrong with it."""

from edged.config.dump import config_hash, dump
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
