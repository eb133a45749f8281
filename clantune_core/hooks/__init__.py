"""How hooks are called: which methods implement them, in which order, and with which arguments."""
