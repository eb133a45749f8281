"""Groups of values, and reading them by dot."""
