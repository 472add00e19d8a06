"""Which files the jobs of the second system read and write, and which parts of the data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from semcom.params.crlsc.claims import Claim
from semcom.params.crlsc.mentors import called, weights_of
from semcom.params.crlsc.schema import Study
from semcom.params.crlsc.section import INT8, MENTOR, RAW
from semcom.params.parts import PartEntry


@dataclass(frozen=True)
class Files:
    """Parts, files and methods of the second system in a study.

    Args:
        study: the checked params file.
        versions: content version of each of its data sets.
        params_file: the params file's name, for the report.
        claims: what the report is to judge.
    """

    study: Study
    versions: Mapping[str, str]
    params_file: str = ""
    claims: Mapping[str, Claim] = field(default_factory=dict)

    @property
    def folders(self) -> list[Path]:
        """Where jobs write results."""
        return [Path("results"), Path("results/data"), Path("results", self.study.study)]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of this system's jobs."""
        return self.study.crlsc.seeds or self.study.seeds

    @property
    def size(self) -> str:
        """Width and height of the prepared images, `32x32`."""
        width, height = self.study.crlsc.size
        return f"{width}x{height}"

    @cached_property
    def mentor(self) -> str:
        """Name of the mentor's folder of embeddings."""
        section = self.study.crlsc
        return called(section.mentor, section.precision, self._weights)

    @property
    def mentor_int8(self) -> str:
        """The same of the mentor with weights of 8 bits."""
        return f"{self.mentor}-{INT8}"

    def frames(self, data: str) -> str:
        """The prepared file of a data set."""
        return f"results/data/{data}_{self.size}.h5"

    def frames_of(self, parts: Iterable[str]) -> list[str]:
        """Those of the parts' data sets; a verb gets one for each, in this order."""
        return [self.frames(data) for data in self._data_of(parts)]

    def embeddings(self, data: str, *, int8: bool = False) -> str:
        """The mentor's embeddings of a data set's images; each version of it has a file of its own."""
        version, mentor = self.versions[data][:8], self.mentor_int8 if int8 else self.mentor
        return f"results/data/embeddings/{mentor}/{data}_{self.size}_{version}.h5"

    def pictures(self, base: str) -> str:
        """Where the picture files of a base's images are, if its data set has such."""
        return f"data/{self.data_of_base(base)}/images.zip"

    def base(self, base: str, seed: int | str) -> str:
        """A shared knowledge base."""
        return f"results/{self.study.study}/crlsc/shared/{base}/seed{seed}/base.skb"

    def encoder(self, method: str, encoder: str, seed: int | str) -> str:
        """A trained local encoder."""
        return f"results/{self.study.study}/crlsc/local/{method}/{encoder}/seed{seed}/encoder.pt"

    @property
    def trained(self) -> list[tuple[str, str]]:
        """Method and encoder of all local trainings, the untrained ones too."""
        section = self.study.crlsc
        return [(name, encoder) for name in section.methods for encoder in section.encoders_of(name)]

    @property
    def probed(self) -> list[tuple[str, str]]:
        """Method and encoder of all that is measured on targets, the mentor's rows at the end."""
        section = self.study.crlsc
        if not section.targets or section.probe is None:
            return []
        ways = [RAW, *([INT8] if section.mentor_int8 else []), *section.bases]
        return [*self.trained, *((MENTOR, way) for way in ways)]

    @property
    def compared(self) -> list[str]:
        """Methods whose encoders are compared with each other."""
        section = self.study.crlsc
        return [n for n in section.methods if section.consensus and len(section.encoders_of(n)) > 1]

    def base_part(self, base: str) -> str:
        """The public part whose images a base holds."""
        part = self.study.crlsc.bases[base].of or self.study.crlsc.public
        assert part is not None
        return part

    def data_of_base(self, base: str) -> str:
        """The data set of those images."""
        return self._data(self.base_part(base))

    def part_of(self, method: str) -> str:
        """The part that a method trains on."""
        part = self.study.crlsc.part_of(method)
        assert part is not None
        return part

    def local_inputs(self, method: str, encoder: str, seed: int | str) -> dict[str, str]:
        """Files that a local training reads, by what its verb calls them."""
        chosen, data = self.study.crlsc.methods[method], self._data(self.part_of(method))
        files = {"frames": self.frames(data)}
        if chosen.guide:
            files |= {"base": self.base(chosen.base, seed)} if chosen.base else {}
            files |= {} if chosen.base else {"embeddings": self.embeddings(data)}
        return files | ({"after": self.encoder(chosen.after, encoder, seed)} if chosen.after else {})

    def probe_inputs(self, method: str, encoder: str, seed: int | str) -> dict[str, list[str]]:
        """Files that a probe reads: one of frames for each data set, and what is probed."""
        data = self._data_of(self._probed_parts)
        files = {"frames": [self.frames(name) for name in data]}
        if method != MENTOR:
            files["encoder"] = [self.encoder(method, encoder, seed)]
            base = self.study.crlsc.methods[method].base
        else:
            files["embeddings"] = [self.embeddings(name, int8=encoder == INT8) for name in data]
            base = None if encoder in (RAW, INT8) else encoder
        return files | ({"base": [self.base(base, seed)]} if base else {})

    def private_inputs(self, method: str, encoder: str, target: str, seed: int | str) -> dict[str, list[str]]:
        """Files that a private base is built from: one of frames for each data set, encoder, its base."""
        base = self.study.crlsc.methods[method].base
        return {
            "frames": self.frames_of(self._asked_parts(target)),
            "encoder": [self.encoder(method, encoder, seed)],
            **({"shared": [self.base(base, seed)]} if base else {}),
        }

    def consensus_inputs(self, method: str, seed: int | str) -> dict[str, list[str]]:
        """Files that a comparison of encoders reads, in the order of its entry's networks."""
        every = sorted(self.study.crlsc.encoders_of(method))  # as keys of the entry stand
        return {
            "frames": [self.frames(name) for name in self._data_of(self._compared_parts)],
            "encoder": [self.encoder(method, name, seed) for name in every],
        }

    @cached_property
    def _weights(self) -> str | None:
        return weights_of(self.study.crlsc.mentor)

    @property
    def _probed_parts(self) -> list[str]:
        targets = self.study.crlsc.targets
        return list(dict.fromkeys(part for name in targets for part in self._asked_parts(name)))

    def _asked_parts(self, target: str) -> list[str]:
        of = self.study.crlsc.targets[target]
        return [of.train, of.test]

    @property
    def _compared_parts(self) -> list[str]:
        """Those of a comparison's target, and the shared one at the end."""
        section, wanted = self.study.crlsc, self.study.crlsc.consensus
        assert wanted is not None
        target, shared = section.targets[wanted.target], wanted.shared or section.public
        assert shared is not None
        return [target.train, target.test, shared]

    def _data(self, part: str) -> str:
        return self.study.crlsc.parts[part].data

    def _data_of(self, parts: Iterable[str]) -> list[str]:
        """Data sets of parts; the verb gets one prepared file for each, in this order."""
        return list(dict.fromkeys(part.data for part in self._parts(parts).values()))

    def _parts(self, names: Iterable[str]) -> dict[str, PartEntry]:
        """Those parts and the ones that draw before them from the same images."""
        every, wanted = self.study.crlsc.parts, set(names)
        last = {(every[name].data, every[name].train): i for i, name in enumerate(every) if name in wanted}
        return {
            name: part
            for i, (name, part) in enumerate(every.items())
            if i <= last.get((part.data, part.train), -1)
        }
