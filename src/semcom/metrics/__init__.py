"""What is measured of predictions and representations, and how sure it is. NumPy and SciPy only."""
