"""Self-tests: each returns a report of what replay promises, measured on this machine."""
