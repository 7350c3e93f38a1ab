"""The serialized forms of values in DBOS: our JSON, DBOS's portable JSON, its own classes, an application's
serializer.
"""
