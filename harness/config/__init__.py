"""Roof: YAML becomes a validated config, or the exact places where it is wrong."""

from harness.config.loading import load, restore
from harness.config.model import Config

__all__ = ["Config", "load", "restore"]
