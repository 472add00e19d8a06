"""Images to bytes and back, with and without container headers; what sending all of them once costs."""
