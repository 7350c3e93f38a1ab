"""What commands print, and the options that several of them take."""
