"""The families of components. Out of every code hash: what a job builds stands in its entry."""

FAMILIES = {
    "LOSSES": "semcom.losses",
    "GUIDES": "semcom.losses",
    "BACKBONES": "semcom.models",
    "MENTORS": "semcom.models",
    "SENDERS": "semcom.models",
    "HEADS": "semcom.models",
    "NETWORKS": "semcom.models",
    "CHANNELS": "semcom.channel",
    "VIEWS": "semcom.frames",
    "OPTIMISERS": "semcom.training",
    "TASKS": "semcom.tasks",
}
"""Every family and the module that lists it."""
