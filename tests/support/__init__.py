"""What tests share: stand-ins, writers of databases."""
