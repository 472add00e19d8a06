"""What the jobs of images over links are handed: for each rule the JSON text of its entry, and its files."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from semcom.params.codehash import code_hash
from semcom.params.component import module_of
from semcom.params.crlsc.codewords import code_words
from semcom.params.crlsc.imageentries import (
    BorrowedEncoder,
    ClassifierEntry,
    EncodingEntry,
    GuidedImagesEntry,
    ImagesEntry,
    ImagesTestEntry,
)
from semcom.params.crlsc.images import CAPACITY, ImageFiles, Images
from semcom.params.entries import TableEntry, to_json
from semcom.params.errortables import measured_digest, place

if TYPE_CHECKING:
    from semcom.params.crlsc.jobs import CrlscJobs

TRAIN, TEST = "semcom.finetune.images", "semcom.evaluate.images"
GUIDED = "semcom.finetune.guided"
CLASSIFIER, ENCODING = "semcom.finetune.classifier", "semcom.evaluate.encoding"
TABLE = "semcom.channel.digital.simulate"
"""The modules that the verbs run: where their code hashes start."""
_code = cache(code_hash)


@dataclass(frozen=True)
class ImageJobs:
    """The jobs of the key `images`.

    Args:
        jobs: of the whole section, which has `images`.
    """

    jobs: "CrlscJobs"

    @property
    def images(self) -> Images:
        """What the file says."""
        images = self.jobs.study.crlsc.images
        assert images is not None
        return images

    @property
    def trained(self) -> list[tuple[str, str]]:
        """Method and link of every network."""
        return self.images.networks

    @property
    def tested(self) -> list[tuple[str, str]]:
        """Method and link of every sweep."""
        images = self.images
        return [(method, link) for method in images.methods for link in images.links_of(method)]

    def train_inputs(self, method: str, seed: int | str) -> dict[str, str]:
        """Files that a training reads, by what its verb calls them."""
        chosen, given = self.images.methods[method], {"frames": self._frames(self.images.train)}
        if (lent := chosen.borrowed) is not None:
            given["encoder"] = self.jobs.encoder(lent.method, lent.encoder, seed)
        if chosen.guide is None:
            return given
        if chosen.base is not None:
            return given | {"base": self.jobs.base(chosen.base, seed)}
        data = self.jobs.study.crlsc.parts[self.images.train].data
        return given | {"embeddings": self.jobs.embeddings(data)}

    def classifier_inputs(self) -> dict[str, str]:
        """Files that the classifier's training reads."""
        return {"frames": self._frames(self.images.labelled)}

    def test_inputs(self, method: str, link: str, seed: int | str) -> dict[str, str | list[str]]:
        """Files that a sweep reads."""
        given: dict[str, str | list[str]] = {"frames": self.jobs.frames_of(self._read(method))}
        if (files := self.images.methods[method].files) is not None:
            given["files"] = self.encoded_file(files.name, self.encoding_seed(int(seed)))
        else:
            folder = f"results/{self.jobs.study.study}/crlsc/images/train/{self.images.sharing(method)[0]}"
            given["network"] = f"{folder}/{self.images.trained_over(method, link)}/seed{seed}/network.pt"
        if self.images.classifier is not None:
            given["classifier"] = self.classifier_file(seed)
        tables = [str(place(table.file)) for table in self._tables(method, link)]
        return given | ({"error-table": tables} if tables else {})

    @property
    def encodings(self) -> dict[str, ImageFiles]:
        """What is encoded, by name; methods of the same format and mosaic share it."""
        every = (method.files for method in self.images.methods.values())
        return {files.name: files for files in every if files}

    def encoding_inputs(self) -> dict[str, str]:
        """Files that an encoding reads."""
        return {"frames": self._frames(self.images.test)}

    def encoding_seed(self, seed: int) -> int:
        """Whose encoding a seed's sweep reads: the first seed's, where all seeds test the same images."""
        parts = dict(self.jobs.place("", [self.images.test], seed)["parts"])
        return self.jobs.seeds[0] if all(part.count is None for part in parts.values()) else seed

    def encoded_file(self, name: str, seed: int | str) -> str:
        """Test images as image files at every quality."""
        return f"results/{self.jobs.study.study}/crlsc/images/files/{name}/seed{seed}/files.npz"

    def encoding(self, name: str, seed: int) -> str:
        """Entry of `semcom evaluate files`."""
        chosen = self.encodings[name]
        return to_json(
            EncodingEntry(
                **self.jobs.place(_hash(ENCODING, {}), [self.images.test], seed),
                name=name,
                size=self.jobs.study.crlsc.size,
                part=self.images.test,
                codec=chosen.codec,
                mosaic=chosen.mosaic,
            )
        )

    def classifier_file(self, seed: int | str) -> str:
        """The trained classifier of what arrives."""
        return f"results/{self.jobs.study.study}/crlsc/images/classifier/seed{seed}/classifier.pt"

    def classifier(self, seed: int) -> str:
        """Entry of `semcom finetune classifier`."""
        images, chosen = self.images, self.images.classifier
        assert chosen is not None
        components = {"BACKBONES": chosen.backbone, "OPTIMISERS": chosen.optimiser}
        components |= {"VIEWS": chosen.views} if chosen.views else {}
        return to_json(
            ClassifierEntry(
                **self.jobs.place(_hash(CLASSIFIER, components), [images.labelled], seed),
                size=self.jobs.study.crlsc.size,
                part=images.labelled,
                classifier=chosen,
            )
        )

    def train(self, method: str, link: str, seed: int) -> str:
        """Entry of `semcom finetune images`."""
        images, chosen = self.images, self.images.methods[method]
        over = None if chosen.vqvae else images.links[link]
        components = {"OPTIMISERS": images.optimiser} | ({"CHANNELS": over.channel} if over else {})
        components |= {"NETWORKS": chosen.analog} if chosen.analog else {}
        components |= {"GUIDES": chosen.guide} if chosen.guide else {}
        encoder = self._borrowed(method)
        components |= {"BACKBONES": encoder.network.backbone} if encoder else {}
        code = _hash(GUIDED if chosen.guide else TRAIN, components)
        entry = ImagesEntry(
            **self.jobs.place(code, [images.train], seed),
            method=method,
            link_name=link,
            link=over,
            vqvae=chosen.vqvae,
            network=chosen.network,
            encoder=encoder,
            ordered=any(
                scheme.endswith("uncoded")
                for one in map(images.methods.__getitem__, images.sharing(method))
                for on in one.schemes
                for scheme in one.schemes_on(on)
            ),
            size=self.jobs.study.crlsc.size,
            part=images.train,
            epochs=images.epochs,
            images=images.images,
            batch_size=images.batch_size,
            precision=images.precision,
            optimiser=images.optimiser,
            warmup=images.warmup,
        )
        if chosen.guide is None:
            return to_json(entry)
        # Keys of their own, so that nothing changes in the entries of networks without a guide.
        guided = chosen.model_dump(include={"guide", "base", "weight"})
        mentor = self.jobs.study.crlsc.mentor
        return to_json(GuidedImagesEntry.model_validate(entry.model_dump() | guided | {"mentor": mentor}))

    def test(self, method: str, link: str, seed: int) -> str:
        """Entry of `semcom evaluate images`."""
        images, chosen, over = self.images, self.images.methods[method], self.images.links[link]
        schemes, tables = chosen.schemes_on(link), self._tables(method, link)
        backbone = images.classifier.backbone if images.classifier else None
        encoder = self._borrowed(method)
        backbones = [backbone] if backbone else []
        backbones += [encoder.network.backbone] if encoder else []
        modules = [module_of("CHANNELS", over.channel), *(module_of("BACKBONES", b) for b in backbones)]
        modules += [module_of("NETWORKS", chosen.analog)] if chosen.analog else []
        return to_json(
            ImagesTestEntry(
                **self.jobs.place(_code(TEST, *modules), self._read(method), seed),
                method=method,
                link_name=link,
                channel=over.channel,
                channel_uses=over.channel_uses,
                vqvae=chosen.vqvae,
                network=chosen.network,
                encoder=encoder,
                scheme=schemes[0] if chosen.vqvae else None,
                exact=chosen.exact,
                entropy=chosen.entropy,
                order=chosen.order,
                table={table.file: measured_digest(place(table.file)) for table in tables},
                size=self.jobs.study.crlsc.size,
                part=images.test,
                snr_db=images.snr_db,
                draws=images.draws,
                backbone=backbone,
                files=chosen.files,
                capacity=schemes == (CAPACITY,),
                mean_of=images.train if chosen.files else None,
            )
        )

    @property
    def tables(self) -> dict[str, TableEntry]:
        """Error tables of all schemes, by their file's name."""
        return {table.file: table for pair in self.tested for table in self._tables(*pair)}

    def table(self, file: str) -> str:
        """Entry of `semcom links table` for the error table that is called `file`."""
        return to_json(self.tables[file].model_copy(update={"code": _code(TABLE)}))

    def _borrowed(self, method: str) -> BorrowedEncoder | None:
        if (lent := self.images.methods[method].borrowed) is None:
            return None
        return BorrowedEncoder(borrowed=lent, network=self.jobs.study.crlsc.encoders[lent.encoder])

    def _frames(self, part: str) -> str:
        return self.jobs.frames(self.jobs.study.crlsc.parts[part].data)

    def _read(self, method: str) -> list[str]:
        """Parts that a sweep reads: image files come without a mean image."""
        files = self.images.methods[method].files
        return [self.images.test, *([self.images.train] if files else [])]

    def _tables(self, method: str, link: str) -> list[TableEntry]:
        """Of the schemes with a code; without one every bit is sent, and at capacity nothing is lost."""
        chosen, over = self.images.methods[method], self.images.links[link]
        names = [name for name in chosen.schemes_on(link) if not name.endswith(("uncoded", CAPACITY))]
        uses = {name: over.channel_uses for name in names}
        if (files := chosen.files) is not None:
            of_file = over.channel_uses * files.mosaic**2
            words = {name: code_words(name, channel_uses=of_file, words=files.words) for name in names}
            uses = {name: word.channel_uses for name, (_, word) in words.items()}
        channel = over.channel["use"]
        return [TableEntry(scheme=name, channel_uses=uses[name], channel=channel) for name in names]


def _hash(stage: str, components: dict[str, dict[str, Any]]) -> str:
    """Hash of the code of a stage and of the components, by family, that its entry names."""
    return _code(stage, *sorted(module_of(name, component) for name, component in components.items()))
