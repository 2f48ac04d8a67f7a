"""Rights in real property, asked of the natural-resources register over SOAP, page by page."""
