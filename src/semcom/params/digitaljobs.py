"""What the jobs of a study's digital links are handed."""

from pathlib import Path
from typing import get_args

from semcom.params.entries import DigitalEntry, UploadEntry, to_json
from semcom.params.errortables import MEASURED, measured_digest, place
from semcom.params.jobparts import Parts
from semcom.params.sections import Digital, Modality
from semcom.params.stagecode import stage_code


class DigitalJobs(Parts):
    """The jobs of the digital links."""

    @property
    def links(self) -> dict[str, Digital]:
        """The digital links, with the methods that they are for."""
        return {
            name: link.model_copy(update={"methods": self.study.digital_methods(name)})
            for name, link in self.study.digital.items()
        }

    def evaluate(self, method: str, link: str, labels: str, seed: int) -> str:
        """Entry of `semcom evaluate digital`."""
        chosen, settings = self.study.methods[method], self.links[link]
        budgets = self.study.digital_budgets(method, link)
        code = stage_code(
            "digital",
            BACKBONES=[chosen.encoder.backbone],
            SENDERS=[chosen.finetune.sender],
            HEADS=[chosen.finetune.head],
            CHANNELS=[self.study.links[settings.link].channel],
            TASKS=[self.study.links[settings.link].task],
            OPTIMISERS=[{"use": "adamw"}],
        )
        return to_json(
            DigitalEntry(
                **self.place(code),
                **self.training(method, settings.link) | {"budgets": budgets},
                method=method,
                link_name=link,
                # Who else uses the link, and which budgets, would re-run jobs that they do not concern.
                digital=settings.model_copy(update={"methods": None, "budgets": None, "upload": None}),
                tables=self._tables(link),
                labels=labels,
                fraction=self.study.labels[labels],
                seed=seed,
                neighbours=self.study.knowledge.neighbours,
                evaluate=self.sweep,
            )
        )

    @property
    def uploads(self) -> list[str]:
        """Names of the digital links over which all training images are sent once."""
        return [name for name, link in self.study.digital.items() if link.upload]

    def upload(self, link: str) -> str:
        """Entry of `semcom evaluate upload`."""
        settings = self.study.digital[link]
        assert settings.upload is not None, f"{link} uploads nothing"
        analog = self.study.links[settings.link]
        used = {modality for method in self.study.methods.values() for modality in method.modalities}
        return to_json(
            UploadEntry(
                study=self.study.study,
                link_name=link,
                data=self.data,
                code=stage_code("upload"),
                channel=analog.channel["use"],
                snr_db=analog.nominal_snr_db,
                modalities=tuple(modality for modality in get_args(Modality) if modality in used),
                upload=settings.upload,
                tables=self._tables(link),
            )
        )

    def error_tables(self, link: str) -> list[str]:
        """Files of the error tables of a digital link: those measured beforehand, else the ones to make."""
        return [str(place(table.file)) for table in self.study.error_tables(link)]

    @property
    def folders(self) -> list[Path]:
        """Where error tables are made."""
        tables = {Path(file) for link in self.study.digital for file in self.error_tables(link)}
        made = {file.parent for file in tables if not file.is_relative_to(MEASURED) and not file.exists()}
        return sorted(made)

    def table(self, file: str) -> str:
        """Entry of `semcom links table` for the error table that is called `file`."""
        entry = next(
            table
            for link in self.study.digital
            for table in self.study.error_tables(link)
            if table.file == file
        )
        return to_json(entry.model_copy(update={"code": stage_code("table")}))

    def _tables(self, link: str) -> dict[str, str]:
        """The error tables of a digital link as entries have them."""
        return {Path(file).name: measured_digest(Path(file)) for file in self.error_tables(link)}
