"""Files: atomic writes, nothing outside a folder, strict JSON and YAML, format versions, the cache folder, locks."""
