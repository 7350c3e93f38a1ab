"""The pytest plugin. The module that pytest loads, pytest_refork.plugin, imports nothing of Refork."""
