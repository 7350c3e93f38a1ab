"""One file for each HTTP library: how its requests are seen before they are sent, and answered without."""
