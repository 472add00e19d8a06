"""What a study's links are judged by: accuracy, or what else their tasks say."""

import pandas as pd

from semcom.params.reportentry import ReportEntry
from semcom.params.tasks import SCENE


def judged(table: pd.DataFrame, entry: ReportEntry) -> pd.DataFrame:
    """The rows of the metric that each link is judged by."""
    metrics = {link: entry.measure(str(link)).metric for link in table["link"].unique()}
    return table[table["metric"] == table["link"].map(metrics)]


def titles(entry: ReportEntry) -> list[str]:
    """What links are judged by, in words."""
    return list(dict.fromkeys(entry.measure(link).title for link in entry.links))


def y_label(entry: ReportEntry) -> str:
    """`test accuracy (%)`, or what it is then."""
    return f"test {' or '.join(titles(entry))} (%)"


def named(entry: ReportEntry, link: str) -> str:
    """A link's name, and what it is judged by where links differ in that."""
    return link if len(titles(entry)) == 1 else f"{link} ({entry.measure(link).metric})"


def note(entry: ReportEntry) -> str:
    """What the metrics that `named` adds stand for; a space first."""
    if len(titles(entry)) == 1:
        return ""
    known = {entry.measure(link).metric: entry.measure(link).title for link in entry.links}
    return "".join(f" {metric}: {title}." for metric, title in known.items() if metric != title)


def is_scene(entry: ReportEntry, link: str) -> bool:
    """Whether the server names the scene."""
    return bool(entry.links[link].task.get("use") == SCENE)
