"""From a run of the production database to a case in a folder."""
