"""What the calibrations of the second system's links are handed: for each its entry as JSON, and its file."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from semcom.params.codehash import code_hash
from semcom.params.component import module_of
from semcom.params.crlsc.classify import Classify
from semcom.params.crlsc.images import Images
from semcom.params.entries import CalibrationEntry, to_json
from semcom.params.sections import Component

if TYPE_CHECKING:
    from semcom.params.crlsc.jobs import CrlscJobs

STAGE = "semcom.evaluate.links"
"""The module that the verb runs: where its code hash starts."""
_code = cache(code_hash)


class Place(NamedTuple):
    """A link of the section, as rules name it."""

    of: str
    """`images` or `classify`."""
    name: str

    @property
    def key(self) -> str:
        """Where the params file has it, which is its name in tables and errors."""
        return f"crlsc.{self.of}.links.{self.name}"

    @property
    def file(self) -> str:
        """Its calibration, below `results/STUDY/`."""
        return f"crlsc/calibration/{self.of}/{self.name}.csv"


def channels(images: Images | None, classify: Classify | None) -> dict[Place, Component]:
    """The channel of every link of both keys."""
    found = {Place("images", name): link.channel for name, link in (images.links if images else {}).items()}
    over = classify.links if classify else {}
    return found | {Place("classify", name): link.channel for name, link in over.items()}


@dataclass(frozen=True)
class LinkJobs:
    """The jobs of links, whatever is sent over them.

    Args:
        jobs: of the whole section.
    """

    jobs: "CrlscJobs"

    @property
    def channels(self) -> dict[Place, Component]:
        """The channel of every link."""
        section = self.jobs.study.crlsc
        return channels(section.images, section.classify)

    @property
    def calibrations(self) -> list[str]:
        """Files of all calibrations."""
        return [f"results/{self.jobs.study.study}/{place.file}" for place in self.channels]

    def calibration(self, of: str, name: str) -> str:
        """Entry of `semcom evaluate link`."""
        study, place = self.jobs.study, Place(of, name)
        channel = self.channels[place]
        return to_json(
            CalibrationEntry(
                study=study.study,
                link_name=place.key,
                channel=channel,
                code=_code(STAGE, module_of("CHANNELS", channel)),
                threads=study.compute.threads,
            )
        )
