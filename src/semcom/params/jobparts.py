"""What the entries of several jobs of a study have in common."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from semcom.params.schema import Method, Study
from semcom.params.sections import Component, Evaluate
from semcom.params.stagecode import stage_code
from semcom.params.weights import weights_sha256


@dataclass(frozen=True)
class Parts:
    """Parts of entries.

    Args:
        study: the checked params file.
        data: content version of its data set.
    """

    study: Study
    data: str

    def place(self, code: str) -> dict[str, Any]:
        """What every entry knows."""
        return {"study": self.study.study, "data": self.data, "code": code, "compute": self.study.compute}

    @property
    def sweep(self) -> Evaluate:
        """What a sweep reads of `evaluate`: no conditions."""
        return Evaluate(snr_db=self.study.evaluate.snr_db, draws=self.study.evaluate.draws)

    def training(self, method: str, link: str) -> dict[str, Any]:
        """What tuning, fine-tuning and evaluation share."""
        chosen = self.study.methods[method]
        return {
            "modalities": chosen.modalities,
            "encoder": chosen.encoder,
            "finetune": chosen.finetune,
            "link": self.study.links[link],
            "budgets": self.study.budgets,
        }

    def started_from(self, method: str) -> str | None:
        """Digest of the weights that fine-tuning reads itself: those of methods that do not pre-train."""
        chosen = self.study.methods[method]
        return None if chosen.pretrain else weights_of(chosen)

    def training_code(
        self,
        stage: str,
        method: str,
        link: str,
        *,
        optimisers: bool = True,
        views: Iterable[Component] = (),
        channels: Iterable[Component] = (),
    ) -> str:
        """Hash of the code; `views` and `channels`: those beside the method's and the link's own."""
        chosen: Method = self.study.methods[method]
        return stage_code(
            stage,
            BACKBONES=[chosen.encoder.backbone],
            SENDERS=[chosen.finetune.sender],
            HEADS=[chosen.finetune.head],
            VIEWS=[chosen.finetune.views, *views],
            CHANNELS=[self.study.links[link].channel, *channels],
            TASKS=[self.study.links[link].task],
            OPTIMISERS=self.study.tune.optimisers if optimisers else (),
        )


def weights_of(method: Method) -> str | None:
    """SHA-256 of the file that a method's encoders start from; None at random initialisation."""
    return weights_sha256(method.encoder.weights, method.encoder.backbone["use"])
