"""Takes secrets out of what a trial sends and is answered, before anything is written."""
