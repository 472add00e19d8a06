"""Scene classes: from the 27 scene types of NYU Depth V2 to the ten classes of the literature.

The nine most common types keep their name, all others are `others` (S. Gupta et al., CVPR 2013). The order
is the one of FuseNet's table, whose numbers are the labels here plus one.
"""

from collections.abc import Sequence

from semcom.files.errors import SemcomError

NYU10 = (
    "bedroom",
    "kitchen",
    "living_room",
    "bathroom",
    "dining_room",
    "office",
    "home_office",
    "classroom",
    "bookstore",
    "others",
)
OTHERS = "others"


def label(scene_type: str, *, classes: Sequence[str] = NYU10) -> int:
    """The label (0..) of a scene type; a type that is no class is `others`, or an error if there is none."""
    if scene_type in classes:
        return classes.index(scene_type)
    if OTHERS in classes:
        return classes.index(OTHERS)
    raise SemcomError(
        f"scene type {scene_type!r} is none of the {len(classes)} classes ({', '.join(classes)}): "
        f"name it in `classes` of dataset.json, or add the class {OTHERS!r} there"
    )
