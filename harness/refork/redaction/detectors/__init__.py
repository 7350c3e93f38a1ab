"""What finds secrets in a text, each kind of place in a file."""
