"""What the server decides on a frame: targets, loss, metrics; one file a task."""

TASKS = {
    "scene": "semcom.tasks.scene:Scene",
    "objects": "semcom.tasks.objects:Objects",
}
