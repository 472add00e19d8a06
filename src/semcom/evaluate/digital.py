"""Quantised features over a digital link: what the analog link's channel uses carry as coded bits.

    feature ─► product quantiser ─► B bits ─► code, QAM, channel, decoder ─► feature, or the mean one if lost
    received features of all devices ─► server's head ─► class scores
                                      └► private knowledge base ─► vote of the nearest

Encoders are those that were fine-tuned over the analog link; budget 0 takes them as pre-training left them
(*features once*: frozen, each training feature is sent once). Every device learns its codebooks on its own
training features; the features of labelled frames go up once, each block until it arrives, and the server
trains its head, and fills its base, with what it decodes. A scheme has its own codebooks and head.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import read_all
from semcom.evaluate.receivers import Features, Server, Split, unit
from semcom.evaluate.sweep import Measured, Row, log_means, rows_of, write_predictions
from semcom.files.errors import SemcomError
from semcom.files.hashes import digest, sha256
from semcom.files.tables import write_rows
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import Indices
from semcom.metrics.calibration import ece, nll
from semcom.metrics.classification import accuracy
from semcom.models.encoder import Encoders
from semcom.models.system import system_for
from semcom.params.entries import DigitalEntry, to_json
from semcom.progress import Progress, log
from semcom.tasks.classes import accuracies
from semcom.tracking.journal import Journal
from semcom.training import weights
from semcom.training.batchnorm import recompute
from semcom.training.compute import set_up
from semcom.training.randomness import generator
from semcom.training.state import state


def run(
    frames_file: Path,
    entry: DigitalEntry,
    *,
    models: Path,
    encoders: Path | None,
    tables: list[Path],
    sweep: Path,
    predictions: Path,
    communication: Path,
    journal: Path,
    states: Path,
) -> None:
    """Sweep all budgets of one (method, digital link, labels, seed).

    Args:
        frames_file: prepared frames.
        entry: model, schemes, SNRs and draws.
        models: weights by budget of the fine-tuning over the analog link.
        encoders: pre-trained weights, for budget 0.
        tables: error tables of the schemes, in their order.
        sweep: output, as the analog link's; besides, share of lost blocks, payload bits, retrieval accuracy.
        predictions: output, class of every test frame for every budget, SNR and draw.
        communication: output, what the features of the labelled frames cost, once, beside the fine-tuning.
        journal: events for the tracking server.
        states: folder of training states.

    Raises:
        SemcomError: a table or weights cannot be read, features are too few for codebooks, or no block
            arrives at the Es/N0 of training.
    """
    device = set_up(entry.compute)
    faiss.omp_set_num_threads(entry.compute.threads)
    frames = DeviceFrames.open(frames_file, device)
    link = DigitalLink(
        read_all(tables, entry.tables),
        entry.digital.frames_per_block,
        entry.digital.objective,
        outside="bound",
    )
    split = Split.of(entry, frames)
    tags = {
        "study": entry.study,
        "system": entry.system,
        "method": entry.method,
        "link": entry.link_name,
        "labels": entry.labels,
    }
    files = [models, *tables, *([encoders] if encoders else [])]
    key = digest("digital", to_json(entry), frames.content, *map(sha256, files))
    rows: list[Row] = []
    predicted = []
    progress = Progress(len(entry.budgets))
    with (
        state(states, key) as held,
        Journal.open(
            journal, {**tags, "seed": str(entry.seed), "stage": "evaluate"}, entry.model_dump()
        ) as events,
    ):
        cost = _once(entry, link, split)
        for done, budget in enumerate(entry.budgets, start=1):
            net = _encoders(entry, frames, split, models if budget else encoders, budget)
            server = Server(entry, link, frames, split, _features(net, frames, split.train), held, budget)
            classes, measured = _over_snr(server, _features(net, frames, split.test))
            predicted.append(classes)
            place = {**tags, "budget_epochs": budget, "seed": entry.seed, "split": "test"}
            new = rows_of(entry.evaluate, place, accuracies(classes, split.truth) | measured)
            log_means(entry.evaluate, events, {"budget_epochs": budget}, new)
            rows += new
            progress.step(done, f"budget {budget}: {', '.join(map(str, server.receivers))}")
    write_rows(sweep, rows)
    write_rows(
        communication, [{**tags, "budget_epochs": b, "seed": entry.seed, **cost} for b in entry.budgets]
    )
    answers: dict[str, NDArray[Any]] = {"predicted": np.stack(predicted), "truth": split.truth}
    write_predictions(predictions, frames, split.test, answers, entry.budgets, entry.evaluate)


def _once(entry: DigitalEntry, link: DigitalLink, split: Split) -> dict[str, int]:
    """What the labelled frames' features cost at the Es/N0 of training, each block sent until it arrives."""
    snr_db = entry.link.nominal_snr_db
    choice = link.choose(snr_db)
    if choice.bler >= 1:
        raise SemcomError(
            f"at the {snr_db:g} dB of training no block of {choice.curve.scheme} arrives; add a scheme of a "
            "lower rate, or train at a higher Es/N0"
        )
    blocks = len(entry.modalities) * -(-len(split.labelled) // link.frames_per_block) / (1 - choice.bler)
    return {
        "rounds": 0,
        "uplink_uses": round(blocks * choice.curve.scheme.channel_uses),
        "downlink_uses": 0,
        "uplink_bits": round(blocks * choice.curve.scheme.payload_bits),
        "downlink_bits": 0,
        "pretrain_uses": 0,
    }


def _encoders(
    entry: DigitalEntry, frames: DeviceFrames, split: Split, file: Path | None, budget: int
) -> Encoders:
    """The devices' encoders after `budget` epochs of fine-tuning; 0: as pre-training left them."""
    if file is None:
        raise SemcomError("budget 0 takes pre-trained encoders, and there are none: --encoders FILE")
    if budget:
        system = system_for(entry, frames)
        weights.load_into(system, file, part=str(budget))
        return system.encoders
    encoders = Encoders(entry.modalities, frames.size, entry.encoder).to(frames.rgb.device)
    weights.load_into(encoders, file)
    recompute(encoders, frames.plain(split.train))
    return encoders


@torch.no_grad()
def _features(encoders: Encoders, frames: DeviceFrames, which: Indices) -> Features:
    encoders.eval()
    seen = [encoders(views) for views in frames.plain(which)]
    return {name: torch.cat([s[name] for s in seen]).cpu().numpy() for name in seen[0]}


def _over_snr(server: Server, test: Features) -> tuple[NDArray[np.uint8], Measured]:
    """Classes (S, draws, N) of the test frames, and what is measured beside them (S, draws)."""
    entry, truth = server.entry, server.split.truth
    # The same draws for every method, budget and SNR, as over the analog link.
    draws = generator(entry.seed, "evaluate", entry.link_name)
    first = draws.get_state()
    classes, off = [], []
    measured: dict[str, list[list[float]]] = {}
    for snr_db in entry.evaluate.snr_db:
        draws.set_state(first)
        choice = server.link.choose(snr_db)
        off += [f"{snr_db:g} dB"] * choice.bound
        receiver = server.receiver(choice.curve.scheme)
        bits = {name: q.encode(test[name]) for name, q in receiver.quantisers.items()}
        here: dict[str, list[float]] = {}
        for _ in range(entry.evaluate.draws):
            received, lost = {}, []
            for name, quantiser in receiver.quantisers.items():
                sent = server.link.send(
                    torch.from_numpy(bits[name]), snr_db=snr_db, generator=draws, exact=entry.digital.exact
                )
                lost.append(sent.lost.numpy())
                # Bits of a lost block are wrong somewhere, and the receiver knows: it takes the mean feature.
                received[name] = quantiser.decode(bits[name], lost=lost[-1])
            scores = receiver.scores(received)
            classes.append(scores.argmax(-1).astype(np.uint8))
            found = receiver.base.classify(unit(received), entry.neighbours)
            values = {
                "nll": float(nll(scores, truth)),
                "ece": float(ece(scores, truth)),
                "retrieval_accuracy": float(accuracy(found, truth)),
                "lost_blocks": float(np.mean(lost)),
                "payload_bits": float(server.link.payload(choice.curve.scheme)),
            }
            for name, value in values.items():
                here.setdefault(name, []).append(value)
        for name, column in here.items():
            measured.setdefault(name, []).append(column)
    if off:
        log.info("%s: off the error table; its stated bounds are taken", ", ".join(off))
    shape = (len(entry.evaluate.snr_db), entry.evaluate.draws, len(truth))
    return np.stack(classes).reshape(shape), {name: np.array(value) for name, value in measured.items()}
