"""To plain JSON data and back, also from data that nobody vouches for."""
