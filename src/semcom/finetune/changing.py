"""A link in a changing world: re-trained at each state of a list, by several strategies.

    weights of the link ─► state 1 ─► state 2 ─► …     own, head: on from what the state before left
    pre-trained encoders ───────────► each state       encoders: sender and server afresh
    random weights ─────────────────► each state       scratch
    the method's start ─► all states at once           all_states: trained once, the start among the states

Every strategy but `none`, the link's weights as they are, has its own training at every budget; a chain has
the same budget at each of its states. Optimiser and learning rate are those that tuning chose for the
method, the labels and the budget, for all strategies alike.
"""

from dataclasses import replace
from pathlib import Path

from semcom.files.hashes import digest, sha256
from semcom.files.tables import write_rows
from semcom.finetune.stage import chosen
from semcom.finetune.strategies import Job
from semcom.finetune.train import Setting, setting
from semcom.frames.device import DeviceFrames
from semcom.params.entries import ChangingEntry, to_json
from semcom.params.sections import Link
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up
from semcom.training.state import state


def run(
    frames_file: Path,
    entry: ChangingEntry,
    *,
    encoders: Path | None,
    choice: Path,
    models: Path,
    output: Path,
    journal: Path,
    states: Path,
) -> None:
    """Re-train at every state, by every strategy, at every budget; write what each reaches and sends.

    Args:
        frames_file: prepared frames.
        entry: method, link, labels, seed, states, budgets.
        encoders: pre-trained weights, or None.
        choice: optimisers that tuning chose.
        models: the link's weights by budget, as fine-tuning left them.
        output: one row a strategy, state, budget and metric.
        journal: events for the tracking server; a step is a state.
        states: folder of training states.
    """
    device = set_up(entry.compute)
    frames = DeviceFrames.open(frames_file, device)
    optimisers = chosen(choice, entry.budgets)
    tags = {
        "study": entry.study,
        "system": entry.system,
        "method": entry.method,
        "link": entry.link_name,
        "labels": entry.labels,
    }
    inputs = [sha256(path) for path in (encoders, choice, models) if path is not None]
    named = {**tags, "seed": str(entry.seed), "stage": "changing"}
    with (
        state(states, digest("changing", to_json(entry), frames.content, *inputs)) as held,
        Journal.open(journal, named, entry.model_dump(), fresh=not held.resumed) as events,
    ):
        given = setting(entry, frames, seed=entry.seed, encoders=encoders)
        job = Job(entry, tuple(_at(given, link) for link in _links(entry)), models, optimisers, held, events)
        place = {"changing": entry.changing, **tags, "seed": entry.seed}
        write_rows(output, [place | row for row in job.rows()])


def _links(entry: ChangingEntry) -> list[Link]:
    """The link at each state, the start first: its channel uses and its downlink stay."""
    changed = [{"channel": world.channel, "train_snr_db": world.snr_db} for world in entry.states]
    return [entry.link, *(entry.link.model_copy(update=world) for world in changed)]


def _at(given: Setting, link: Link) -> Setting:
    """The same data and method over another link."""
    return replace(given, entry=given.entry.model_copy(update={"link": link}))
