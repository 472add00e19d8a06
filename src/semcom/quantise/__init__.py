"""Product and vector quantisation; load, decode and search of knowledge bases."""
