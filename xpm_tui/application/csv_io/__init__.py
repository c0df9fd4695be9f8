"""Files of Ignition, in and out, and how far the book and Ignition are apart."""
