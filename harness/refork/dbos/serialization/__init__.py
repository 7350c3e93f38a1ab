"""Values as DBOS stores them: our JSON, DBOS's portable JSON, its own classes, an application's serializer."""
