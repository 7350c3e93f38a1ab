"""What a page shows, prepared: templates only lay it out."""
