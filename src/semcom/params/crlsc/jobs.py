"""What every job of the second system is handed: for each rule the JSON text of its entry, and its files."""

from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any

from semcom.params.codehash import code_hash
from semcom.params.component import module_of
from semcom.params.crlsc.claimed import not_run
from semcom.params.crlsc.classifyjobs import ClassifyJobs
from semcom.params.crlsc.entries import (
    ConsensusEntry,
    CrlscReportEntry,
    LocalEntry,
    MethodSaid,
    PrivateEntry,
    ProbeEntry,
)
from semcom.params.crlsc.files import Files
from semcom.params.crlsc.imagejobs import ImageJobs
from semcom.params.crlsc.linkjobs import LinkJobs
from semcom.params.crlsc.schema import data_sets
from semcom.params.crlsc.section import MENTOR, Probe
from semcom.params.entries import PrepareEntry, to_json
from semcom.params.shared import EmbedEntry, PublicPart, SharedEntry

STAGES = {
    "prepare": "semcom.prepare",
    "embed": "semcom.knowledge.embed",
    "shared": "semcom.knowledge.shared",
    "local": "semcom.pretrain.local",
    "probe": "semcom.evaluate.probe",
    "private": "semcom.knowledge.party",
    "consensus": "semcom.evaluate.consensus",
    "report": "semcom.report.crlsc",
}
"""The module that each stage's verb runs: where its code hash starts."""
_code = cache(code_hash)


class CrlscJobs(Files):
    """The jobs of the second system in a study."""

    @cached_property
    def images(self) -> ImageJobs | None:
        """Those of images over links, if there are any."""
        return ImageJobs(self) if self.study.crlsc.images else None

    @cached_property
    def classify(self) -> ClassifyJobs | None:
        """Those of classification over links, if there are any."""
        return ClassifyJobs(self) if self.study.crlsc.classify else None

    @property
    def links(self) -> LinkJobs:
        """Those of the links of both."""
        return LinkJobs(self)

    def prepare(self, data: str) -> str:
        """Entry of `semcom prepare`."""
        entry = PrepareEntry(
            name=data, size=self.study.crlsc.size, data=self.versions[data], code=_hash("prepare")
        )
        return to_json(entry)

    def embed(self, data: str, mentor: str = "") -> str:
        """Entry of `semcom knowledge embed`, by the mentor's name; the same in every study."""
        section = self.study.crlsc
        return to_json(
            EmbedEntry(
                study="data",
                data=self.versions[data],
                code=_hash("embed", MENTORS=[section.mentor]),
                compute=self.study.compute,
                name=mentor or self.mentor,
                int8=mentor == self.mentor_int8,
                mentor=section.mentor,
                weights_sha256=self._weights,
                precision=section.precision,
            )
        )

    def shared(self, base: str, seed: int) -> str:
        """Entry of `semcom knowledge shared`."""
        chosen, part = self.study.crlsc.bases[base], self.base_part(base)
        return to_json(
            SharedEntry(
                study=self.study.study,
                data=self._versions([part]),
                code=_hash("shared"),
                compute=self.study.compute,
                name=base,
                seed=seed,
                form=chosen.form,
                sample=chosen.sample,
                too_few=chosen.too_few,
                public=PublicPart(parts=tuple(self._parts([part]).items()), name=part),
            )
        )

    def local(self, method: str, encoder: str, seed: int) -> str:
        """Entry of `semcom pretrain-local`."""
        section, on = self.study.crlsc, self.part_of(method)
        chosen, train, every = section.methods[method], section.train_of(method), section.encoders_of(method)
        network = section.encoders[encoder]
        code = _hash(
            "local",
            BACKBONES=[network.backbone],
            GUIDES=[chosen.guide] if chosen.guide else [],
            OPTIMISERS=[train.optimiser],
            VIEWS=[train.views],
        )
        return to_json(
            LocalEntry(
                **self.place(code, [on], seed),
                method=method,
                encoder=encoder,
                network=network,
                part=on,
                share=(every.index(encoder), len(every)) if chosen.disjoint else (0, 1),
                guide=chosen.guide,
                base=chosen.base,
                simclr=chosen.simclr,
                labels=chosen.labels,
                after=chosen.after,
                train=train,
            )
        )

    def probe(self, method: str, encoder: str, seed: int) -> str:
        """Entry of `semcom evaluate probe`."""
        section = self.study.crlsc
        assert section.probe is not None
        network = None if method == MENTOR else section.encoders[encoder]
        code = _hash("probe", BACKBONES=[network.backbone] if network else [])
        return to_json(
            ProbeEntry(
                **self.place(code, self._probed_parts, seed),
                method=method,
                encoder=encoder,
                network=network,
                hidden=() if network is None else section.train_of(method).hidden,
                targets=section.targets,
                probe=section.probe,
            )
        )

    def private(self, method: str, encoder: str, target: str, seed: int) -> str:
        """Entry of `semcom knowledge private`; the base is the one that the probe builds."""
        section, asked = self.study.crlsc, self.study.crlsc.probe or Probe()
        network = section.encoders[encoder]
        code = _hash("private", BACKBONES=[network.backbone])
        return to_json(
            PrivateEntry(
                **self.place(code, self._asked_parts(target), seed),
                method=method,
                encoder=encoder,
                network=network,
                hidden=section.train_of(method).hidden,
                name=target,
                target=section.targets[target],
                form=asked.private,
                neighbours=asked.neighbours,
            )
        )

    def consensus(self, method: str, seed: int) -> str:
        """Entry of `semcom evaluate consensus`."""
        section, wanted = self.study.crlsc, self.study.crlsc.consensus
        assert wanted is not None
        networks = {name: section.encoders[name] for name in section.encoders_of(method)}
        code = _hash("consensus", BACKBONES=[network.backbone for network in networks.values()])
        return to_json(
            ConsensusEntry(
                **self.place(code, self._compared_parts, seed),
                method=method,
                networks=networks,
                hidden=section.train_of(method).hidden,
                target=section.targets[wanted.target],
                shared=self._compared_parts[-1],
                consensus=wanted,
                neighbours=(section.probe or Probe()).neighbours,
            )
        )

    def report(self) -> str:
        """Entry of `semcom report crlsc`."""
        study, section = self.study, self.study.crlsc
        return to_json(
            CrlscReportEntry(
                study=study.study,
                report=study.report,
                data_name=" ".join(data_sets(section)),
                data=self._versions(list(section.parts)),
                code=_hash("report"),
                seeds=self.seeds,
                size=section.size,
                mentor=self.mentor,
                mentor_int8=section.mentor_int8,
                bases={name: base.form for name, base in section.bases.items()},
                base_parts={name: self.base_part(name) for name in section.bases},
                methods={name: self._said(name) for name in section.methods},
                targets=tuple(section.targets) if section.probe else (),
                label_fractions=(section.probe or Probe()).label_fractions,
                consensus=tuple(self.compared),
                images=section.images,
                classify=section.classify,
                classified={arm: section.classified(arm) for arm in section.arms},
                claims=dict(self.claims),
                params_file=self.params_file,
                params=study.model_dump(mode="json", exclude={"tracking"}),
            ),
            in_order=True,
        )

    def summary(self) -> str:
        """Study, data versions, mentor, and all that has a name; then claims that it does not run, if any."""
        study, section = self.study, self.study.crlsc
        named: dict[str, Iterable[str]] = {
            "bases": section.bases,
            "methods": section.methods,
            "encoders": section.encoders,
            "targets": section.targets,
            "images": section.images.methods if section.images else (),
        }
        said = "".join(f"; {key} {_list(names)}" for key, names in named.items() if names)
        lacking = not_run(self.claims, section, seeds=len(self.seeds))
        claims = ", ".join(f"{name} ({why})" for name, why in lacking.items())
        data = ", ".join(f"{name} version {self.versions[name]}" for name in data_sets(section))
        return (
            f"study {study.study}, report {study.report}, crlsc: data {data}, {self.size.replace('x', '×')}\n"
            f"  mentor {self.mentor}{said}; seeds {_list(self.seeds)}"
            + (f"\n  claims on what is not in this study, not run: {claims}" if lacking else "")
        )

    def _versions(self, parts: Iterable[str]) -> str:
        return " ".join(f"{name}:{self.versions[name]}" for name in self._data_of(parts))

    def place(self, code: str, parts: list[str], seed: int) -> dict[str, Any]:
        """What every entry of parts knows."""
        return {
            "study": self.study.study,
            "data": self._versions(parts),
            "code": code,
            "compute": self.study.compute,
            "seed": seed,
            "parts": tuple(self._parts(parts).items()),
        }

    def _said(self, name: str) -> MethodSaid:
        section, method = self.study.crlsc, self.study.crlsc.methods[name]
        return MethodSaid(
            encoders=section.encoders_of(name),
            trains=method.trains,
            part=self.part_of(name),
            base=method.base,
            guide=method.guide["use"] if method.guide else None,
            simclr=method.simclr,
            labels=method.labels,
            disjoint=method.disjoint,
            after=method.after,
            like=section.like(name),
        )


def _hash(stage: str, **components: Iterable[dict[str, Any]]) -> str:
    """Hash of the code of a stage and of the components, by family, that its entry names."""
    modules = {module_of(name, component) for name, members in components.items() for component in members}
    return _code(STAGES[stage], *sorted(modules))


def _list(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))
