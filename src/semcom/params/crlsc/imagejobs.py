"""What the jobs of images over links are handed: for each rule the JSON text of its entry, and its files."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semcom.files.hashes import sha256
from semcom.params.codehash import code_hash
from semcom.params.component import module_of
from semcom.params.crlsc.imageentries import ClassifierEntry, ImagesEntry, ImagesTestEntry
from semcom.params.crlsc.images import ANY, Images
from semcom.params.entries import TableEntry, to_json

if TYPE_CHECKING:
    from semcom.params.crlsc.jobs import CrlscJobs

TRAIN, TEST = "semcom.finetune.images", "semcom.evaluate.images"
CLASSIFIER = "semcom.finetune.classifier"
TABLE = "semcom.channel.digital.simulate"
"""The modules that the verbs run: where their code hashes start."""
MEASURED, MADE = Path("results/reference/links"), Path("results/data/links")
"""Error tables that were measured beforehand, and those that a job makes."""
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
        """Method and link of every network; a VQ-VAE knows no link."""
        pairs = [(method, self._trained_over(method, link)) for method, link in self.tested]
        return list(dict.fromkeys(pairs))

    @property
    def tested(self) -> list[tuple[str, str]]:
        """Method and link of every sweep."""
        images = self.images
        return [(method, link) for method in images.methods for link in images.links_of(method)]

    def train_inputs(self) -> dict[str, str]:
        """Files that a training reads, by what its verb calls them."""
        return {"frames": self._frames(self.images.train)}

    def test_inputs(self, method: str, link: str, seed: int | str) -> dict[str, str]:
        """Files that a sweep reads."""
        folder = f"results/{self.jobs.study.study}/crlsc/images/train"
        network = f"{folder}/{method}/{self._trained_over(method, link)}/seed{seed}/network.pt"
        files = {"frames": self._frames(self.images.test), "network": network}
        if self.images.classifier is not None:
            files["classifier"] = self.classifier_file(seed)
        table = self._table(method, link)
        return files | ({"error-table": str(_place(table.file))} if table else {})

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
                **self.jobs.place(_hash(CLASSIFIER, components), [images.train], seed),
                size=self.jobs.study.crlsc.size,
                part=images.train,
                classifier=chosen,
            )
        )

    def train(self, method: str, link: str, seed: int) -> str:
        """Entry of `semcom finetune images`."""
        images, chosen = self.images, self.images.methods[method]
        over = None if chosen.vqvae else images.links[link]
        components = {"OPTIMISERS": images.optimiser} | ({"CHANNELS": over.channel} if over else {})
        return to_json(
            ImagesEntry(
                **self.jobs.place(_hash(TRAIN, components), [images.train], seed),
                method=method,
                link_name=link,
                link=over,
                vqvae=chosen.vqvae,
                ordered=any(scheme.endswith("uncoded") for scheme in chosen.schemes.values()),
                size=self.jobs.study.crlsc.size,
                part=images.train,
                epochs=images.epochs,
                images=images.images,
                batch_size=images.batch_size,
                optimiser=images.optimiser,
                warmup=images.warmup,
            )
        )

    def test(self, method: str, link: str, seed: int) -> str:
        """Entry of `semcom evaluate images`."""
        images, chosen, over = self.images, self.images.methods[method], self.images.links[link]
        table = self._table(method, link)
        backbone = images.classifier.backbone if images.classifier else None
        components = {"CHANNELS": over.channel} | ({"BACKBONES": backbone} if backbone else {})
        return to_json(
            ImagesTestEntry(
                **self.jobs.place(_hash(TEST, components), [images.test], seed),
                method=method,
                link_name=link,
                channel=over.channel,
                channel_uses=over.channel_uses,
                vqvae=chosen.vqvae,
                scheme=chosen.schemes.get(link),
                exact=chosen.exact,
                table={table.file: _digest(_place(table.file))} if table else {},
                size=self.jobs.study.crlsc.size,
                part=images.test,
                snr_db=images.snr_db,
                draws=images.draws,
                backbone=backbone,
            )
        )

    @property
    def tables(self) -> dict[str, TableEntry]:
        """Error tables of all schemes, by their file's name."""
        found = [self._table(method, link) for method, link in self.tested]
        return {table.file: table for table in found if table}

    def table(self, file: str) -> str:
        """Entry of `semcom links table` for the error table that is called `file`."""
        return to_json(self.tables[file].model_copy(update={"code": _code(TABLE)}))

    def _trained_over(self, method: str, link: str) -> str:
        return ANY if self.images.methods[method].vqvae else link

    def _frames(self, part: str) -> str:
        return self.jobs.frames(self.jobs.study.crlsc.parts[part].data)

    def _table(self, method: str, link: str) -> TableEntry | None:
        """Of a scheme with a code; without one every bit is sent."""
        scheme = self.images.methods[method].schemes.get(link)
        if scheme is None or scheme.endswith("uncoded"):
            return None
        over = self.images.links[link]
        return TableEntry(scheme=scheme, channel_uses=over.channel_uses, channel=over.channel["use"])


def _place(file: str) -> Path:
    """Of an error table: measured beforehand, else the one to make."""
    return MEASURED / file if (MEASURED / file).exists() else MADE / file


def _digest(path: Path) -> str:
    """Of an error table that no job makes."""
    return sha256(path)[:16] if path.is_relative_to(MEASURED) else ""


def _hash(stage: str, components: dict[str, dict[str, Any]]) -> str:
    """Hash of the code of a stage and of the components, by family, that its entry names."""
    return _code(stage, *sorted(module_of(name, component) for name, component in components.items()))
