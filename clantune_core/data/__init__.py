"""Conversion to plain JSON data and back. The data that is read may be untrusted."""
