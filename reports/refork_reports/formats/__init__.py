"""An evaluation as HTML, Markdown, terminal text and data frames."""
