"""Recognises from its source whether a step's code calls a model. Nothing is executed."""

from refork.recognition.reached import asks_model

__all__ = ["asks_model"]
