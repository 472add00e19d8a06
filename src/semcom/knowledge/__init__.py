"""Knowledge bases: shared ones come with the second system; private ones hold a device's own frames."""
