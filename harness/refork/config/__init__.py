"""``[tool.refork]`` in pyproject.toml, REFORK_* variables and the command line, in one frozen value."""

from refork.config.environment import ENVIRONMENT_PREFIX
from refork.config.load import load_config
from refork.config.settings import Config

__all__ = ["ENVIRONMENT_PREFIX", "Config", "load_config"]
