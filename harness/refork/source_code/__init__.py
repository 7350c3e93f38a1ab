"""The source code of the application: which modules are its own, and their syntax trees."""
