"""A store of parameters and results: values of any program in a database."""
