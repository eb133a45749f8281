"""A page that shows what the runs of a store have found."""
