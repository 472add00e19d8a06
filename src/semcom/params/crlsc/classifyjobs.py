"""What the jobs of classification over links are handed: for each rule its entry as JSON, and files."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from semcom.params.codehash import code_hash
from semcom.params.component import module_of
from semcom.params.crlsc.classify import DIRECT, Classify
from semcom.params.crlsc.classifyentries import ClassifyEntry, ClassifyTestEntry
from semcom.params.crlsc.imagejobs import TABLE, _digest, _place
from semcom.params.entries import Component, TableEntry, to_json
from semcom.params.scheme import parse

if TYPE_CHECKING:
    from semcom.params.crlsc.jobs import CrlscJobs

TRAIN, TEST = "semcom.finetune.classify", "semcom.evaluate.classify"
"""The modules that the verbs run: where their code hashes start."""
_code = cache(code_hash)


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
    def trained(self) -> list[tuple[str, str, str]]:
        """Method, encoder and way of every receiver."""
        section = self.jobs.study.crlsc
        return [(m, encoder, way) for m, way in self.tested for encoder in section.classified(m)]

    @property
    def tested(self) -> list[tuple[str, str]]:
        """Method and way of every sweep."""
        section = self.jobs.study.crlsc
        return [(m, way) for m in section.classified_methods for way in section.ways_of(m)]

    @property
    def across(self) -> bool:
        """Whether any method has encoders to use each other's receivers."""
        section = self.jobs.study.crlsc
        return any(len(section.classified(method)) > 1 for method in section.classified_methods)

    def train_inputs(self, method: str, encoder: str, way: str, seed: int | str) -> dict[str, str]:
        """Files that a training reads, by what its verb calls them."""
        section = self.jobs.study.crlsc
        train = section.parts[section.targets[self.classify.target].train].data
        files = {"frames": self.jobs.frames(train), "encoder": self.jobs.encoder(method, encoder, seed)}
        return files | self._base(method, way, seed)

    def test_inputs(self, method: str, way: str, seed: int | str) -> dict[str, str | list[str]]:
        """Files that a sweep reads; encoders and receivers in the order of its entry's networks."""
        section = self.jobs.study.crlsc
        every = sorted(section.classified(method))  # as keys of the entry stand
        folder = f"results/{self.jobs.study.study}/crlsc/classify/train/{method}"
        test = section.parts[section.targets[self.classify.target].test].data
        files: dict[str, str | list[str]] = {
            "frames": self.jobs.frames(test),
            "encoder": [self.jobs.encoder(method, name, seed) for name in every],
            "receiver": [f"{folder}/{name}/{way}/seed{seed}/receiver.pt" for name in every],
        }
        table = self._table(way)
        return (
            files
            | self._base(method, way, seed)
            | ({"error-table": str(_place(table.file))} if table else {})
        )

    def train(self, method: str, encoder: str, way: str, seed: int) -> str:
        """Entry of `semcom finetune classify`."""
        section, classify = self.jobs.study.crlsc, self.classify
        network, link = section.encoders[encoder], classify.links.get(way)
        components = {"BACKBONES": network.backbone, "OPTIMISERS": classify.optimiser} | self._ends(way)
        code = _hash(TRAIN, components | ({"CHANNELS": link.channel} if link else {}))
        part = section.targets[classify.target].train
        return to_json(
            ClassifyEntry(
                **self.jobs.place(code, [part], seed),
                **self._way(method, way),
                encoder=encoder,
                network=network,
                link=link,
                labels=classify.labels,
                epochs=classify.epochs,
                batch_size=classify.batch_size,
                optimiser=classify.optimiser,
                warmup=classify.warmup,
            )
        )

    def test(self, method: str, way: str, seed: int) -> str:
        """Entry of `semcom evaluate classify`."""
        section, classify = self.jobs.study.crlsc, self.classify
        networks = {name: section.encoders[name] for name in section.classified(method)}
        name, digital, table = classify.link_of(way), classify.digital.get(way), self._table(way)
        link = classify.links[name] if name else None
        components = self._ends(way) | ({"CHANNELS": link.channel} if link else {})
        code = _hash(TEST, components, *(module_of("BACKBONES", n.backbone) for n in networks.values()))
        part = section.targets[classify.target].test
        return to_json(
            ClassifyTestEntry(
                **self.jobs.place(code, [part], seed),
                **self._way(method, way),
                networks=networks,
                channel=link.channel if link else None,
                scheme=digital.scheme if digital else None,
                scheme_uses=link.channel_uses if digital and link else None,
                exact=digital.exact if digital else False,
                table={table.file: _digest(_place(table.file))} if table else {},
                snr_db=classify.snr_db,
                draws=classify.draws,
            )
        )

    @property
    def tables(self) -> dict[str, TableEntry]:
        """Error tables of all schemes, by their file's name."""
        found = [self._table(way) for _, way in self.tested]
        return {table.file: table for table in found if table}

    def table(self, file: str) -> str:
        """Entry of `semcom links table` for the error table that is called `file`."""
        return to_json(self.tables[file].model_copy(update={"code": _code(TABLE)}))

    def _way(self, method: str, way: str) -> dict[str, Any]:
        section, classify = self.jobs.study.crlsc, self.classify
        digital = classify.digital.get(way)
        uses = classify.links[digital.link].channel_uses if digital else None
        return {
            "method": method,
            "link_name": way,
            "hidden": section.train_of(method).hidden,
            "target": section.targets[classify.target],
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

    def _base(self, method: str, way: str, seed: int | str) -> dict[str, str]:
        """The shared base whose codebooks a way uses."""
        base = self.jobs.study.crlsc.methods[method].base
        digital = self.classify.digital.get(way)
        wanted = digital is not None and digital.indices == "shared"
        return {"base": self.jobs.base(base, seed)} if wanted and base else {}

    def _table(self, way: str) -> TableEntry | None:
        digital = self.classify.digital.get(way)
        if way == DIRECT or digital is None:
            return None
        over = self.classify.links[digital.link]
        return TableEntry(scheme=digital.scheme, channel_uses=over.channel_uses, channel=over.channel["use"])


def _hash(stage: str, components: dict[str, Component], *modules: str) -> str:
    """Hash of the code of a stage and of the components, by family, that its entry names."""
    own = {module_of(name, component) for name, component in components.items()}
    return _code(stage, *sorted({*own, *modules}))
