"""What sessions leave in the user's cache directory: locks, and journals of answers that were paid for."""

from refork.cache.folder import cache_folder, usable_folder, why_unwritable
from refork.cache.locks import held_file

__all__ = ["cache_folder", "held_file", "usable_folder", "why_unwritable"]
