"""What the jobs of classification over links are handed: for each rule its entry as JSON, and files."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from semcom.params.codehash import code_hash
from semcom.params.component import module_of
from semcom.params.crlsc.classify import Classify, share
from semcom.params.crlsc.classifyentries import ClassifyEntry, ClassifyTestEntry
from semcom.params.crlsc.imagejobs import TABLE
from semcom.params.crlsc.section import Target
from semcom.params.entries import TableEntry, to_json
from semcom.params.errortables import measured_digest, place
from semcom.params.scheme import parse
from semcom.params.sections import Component

if TYPE_CHECKING:
    from semcom.params.crlsc.jobs import CrlscJobs

TRAIN, TEST = "semcom.finetune.classify", "semcom.evaluate.classify"
"""The modules that the verbs run: where their code hashes start."""
_code = cache(code_hash)


class Sweep(NamedTuple):
    """One way of one arm's vectors, as rules name it: a sweep, and a training for each encoder."""

    target: str
    share: str
    """Of the labels."""
    arm: str
    """A method, or one of `tuned`."""
    way: str


@dataclass(frozen=True)
class ClassifyJobs:
    """The jobs of the key `classify`.

    Args:
        jobs: of the whole section, which has `classify`.
    """

    jobs: "CrlscJobs"

    @property
    def classify(self) -> Classify:
        """What the file says."""
        classify = self.jobs.study.crlsc.classify
        assert classify is not None
        return classify

    @property
    def trained(self) -> list[tuple[Sweep, str]]:
        """Of every receiver its sweep, and its encoder."""
        return [(sweep, encoder) for sweep in self.tested for encoder in self._encoders(sweep.arm)]

    @property
    def tested(self) -> list[Sweep]:
        """Every sweep."""
        section, classify = self.jobs.study.crlsc, self.classify
        return [
            Sweep(target, share(fraction), arm, way)
            for target in classify.target
            for fraction in classify.labels
            for arm in section.arms
            for way in section.ways_of(arm)
        ]

    @property
    def arms(self) -> list[str]:
        """Names that a sweep's arm may have."""
        return list(self.jobs.study.crlsc.arms)

    @property
    def across(self) -> bool:
        """Whether any method has encoders to use each other's receivers."""
        return any(len(self._encoders(arm)) > 1 for arm in self.jobs.study.crlsc.arms)

    def train_inputs(self, sweep: Sweep, encoder: str, seed: int | str) -> dict[str, str]:
        """Files that a training reads, by what its verb calls them."""
        method = self.jobs.study.crlsc.arms[sweep.arm]
        files = {
            "frames": self._frames(self._target(sweep).train),
            "encoder": self.jobs.encoder(method, encoder, seed),
        }
        return files | self._base(sweep, seed)

    def test_inputs(self, sweep: Sweep, seed: int | str) -> dict[str, str | list[str]]:
        """Files that a sweep reads; encoders and receivers in the order of its entry's networks."""
        method, every = self.jobs.study.crlsc.arms[sweep.arm], sorted(self._encoders(sweep.arm))
        folder = f"results/{self.jobs.study.study}/crlsc/classify/train/{sweep.target}/{sweep.share}"
        files: dict[str, str | list[str]] = {
            "frames": self._frames(self._target(sweep).test),
            "encoder": [self.jobs.encoder(method, name, seed) for name in every],
            "receiver": [f"{folder}/{sweep.arm}/{name}/{sweep.way}/seed{seed}/receiver.pt" for name in every],
        }
        table = self._table(sweep.way)
        error_table = {"error-table": str(place(table.file))} if table else {}
        return files | self._base(sweep, seed) | error_table

    def train(self, sweep: Sweep, encoder: str, seed: int) -> str:
        """Entry of `semcom finetune classify`."""
        section, classify = self.jobs.study.crlsc, self.classify
        network, link = section.encoders[encoder], classify.links.get(sweep.way)
        tuned = classify.tuned.get(sweep.arm)
        views = classify.views if tuned else None
        components = {"BACKBONES": network.backbone, "OPTIMISERS": classify.optimiser}
        components |= self._ends(sweep.way) | ({"VIEWS": views} if views else {})
        code = _hash(TRAIN, components | ({"CHANNELS": link.channel} if link else {}))
        return to_json(
            ClassifyEntry(
                **self.jobs.place(code, [self._target(sweep).train], seed),
                **self._way(sweep),
                encoder=encoder,
                network=network,
                link=link,
                encoder_lr_scale=tuned.encoder_lr_scale if tuned else None,
                views=views,
                epochs=classify.epochs,
                images=classify.images,
                batch_size=classify.batch_size,
                optimiser=classify.optimiser,
                warmup=classify.warmup,
            )
        )

    def test(self, sweep: Sweep, seed: int) -> str:
        """Entry of `semcom evaluate classify`."""
        section, classify = self.jobs.study.crlsc, self.classify
        networks = {name: section.encoders[name] for name in self._encoders(sweep.arm)}
        name, digital = classify.link_of(sweep.way), classify.digital.get(sweep.way)
        link, table = classify.links[name] if name else None, self._table(sweep.way)
        components = self._ends(sweep.way) | ({"CHANNELS": link.channel} if link else {})
        code = _hash(TEST, components, *(module_of("BACKBONES", n.backbone) for n in networks.values()))
        return to_json(
            ClassifyTestEntry(
                **self.jobs.place(code, [self._target(sweep).test], seed),
                **self._way(sweep),
                networks=networks,
                tuned=sweep.arm in classify.tuned,
                channel=link.channel if link else None,
                scheme=digital.scheme if digital else None,
                scheme_uses=link.channel_uses if digital and link else None,
                exact=digital.exact if digital else False,
                table={table.file: measured_digest(place(table.file))} if table else {},
                snr_db=classify.snr_db,
                draws=classify.draws,
            )
        )

    @property
    def tables(self) -> dict[str, TableEntry]:
        """Error tables of all schemes, by their file's name."""
        found = [self._table(sweep.way) for sweep in self.tested]
        return {table.file: table for table in found if table}

    def table(self, file: str) -> str:
        """Entry of `semcom links table` for the error table that is called `file`."""
        return to_json(self.tables[file].model_copy(update={"code": _code(TABLE)}))

    def _encoders(self, arm: str) -> tuple[str, ...]:
        return self.jobs.study.crlsc.classified(arm)

    def _target(self, sweep: Sweep) -> Target:
        return self.jobs.study.crlsc.targets[sweep.target]

    def _frames(self, part: str) -> str:
        return self.jobs.frames(self.jobs.study.crlsc.parts[part].data)

    def _way(self, sweep: Sweep) -> dict[str, Any]:
        section, classify, way = self.jobs.study.crlsc, self.classify, sweep.way
        digital = classify.digital.get(way)
        uses = classify.links[digital.link].channel_uses if digital else None
        return {
            "method": sweep.arm,
            "link_name": way,
            "target_name": sweep.target,
            "labels": next(fraction for fraction in classify.labels if share(fraction) == sweep.share),
            "hidden": section.train_of(section.arms[sweep.arm]).hidden,
            "target": self._target(sweep),
            "channel_uses": classify.links[way].channel_uses if way in classify.links else None,
            "indices": digital.indices if digital else None,
            "bits": parse(digital.scheme, channel_uses=uses).payload_bits if digital and uses else None,
            "sender": classify.sender if way in classify.links else None,
            "head": classify.head,
        }

    def _ends(self, way: str) -> dict[str, Component]:
        """The components that a way is made of, by family."""
        sender = {"SENDERS": self.classify.sender} if way in self.classify.links else {}
        return {"HEADS": self.classify.head} | sender

    def _base(self, sweep: Sweep, seed: int | str) -> dict[str, str]:
        """The shared base whose codebooks a way uses."""
        section = self.jobs.study.crlsc
        base, digital = section.methods[section.arms[sweep.arm]].base, self.classify.digital.get(sweep.way)
        wanted = digital is not None and digital.indices == "shared"
        return {"base": self.jobs.base(base, seed)} if wanted and base else {}

    def _table(self, way: str) -> TableEntry | None:
        digital = self.classify.digital.get(way)
        if digital is None:
            return None
        over = self.classify.links[digital.link]
        return TableEntry(scheme=digital.scheme, channel_uses=over.channel_uses, channel=over.channel["use"])


def _hash(stage: str, components: dict[str, Component], *modules: str) -> str:
    """Hash of the code of a stage and of the components, by family, that its entry names."""
    own = {module_of(name, component) for name, component in components.items()}
    return _code(stage, *sorted({*own, *modules}))
