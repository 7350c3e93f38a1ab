"""What a watched step may not open beside its model requests, each kind of connection in a file."""
