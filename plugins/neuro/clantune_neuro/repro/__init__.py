"""The claims of the notes on neuroevolution, one module each: what they say, and what is found."""
