"""Whether a step's code asks a model, told from its source alone: nothing of it is run."""

from refork.recognition.reached import asks_model

__all__ = ["asks_model"]
