"""Exchange with other databases: merging, and importing older ones."""
