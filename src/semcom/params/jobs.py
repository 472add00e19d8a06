"""What every job of a study is handed: for each rule the JSON text of its entry.

    study (params file), version of the data ─► Jobs ─► one text a job, the rule's only param

An entry holds what its stage reads and nothing else, so that Snakemake re-runs what a change concerns.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, get_args

from semcom.params import changing
from semcom.params.codehash import code_hash
from semcom.params.component import module_of
from semcom.params.conditions import Condition, ConditionsEntry, concerning
from semcom.params.entries import (
    CalibrationEntry,
    ChangingEntry,
    DigitalEntry,
    EvaluateEntry,
    FinetuneEntry,
    KnowledgeEntry,
    LearntEntry,
    PrepareEntry,
    PretrainEntry,
    TuneEntry,
    UploadEntry,
    to_json,
)
from semcom.params.errortables import MEASURED, measured_digest, place
from semcom.params.reportentry import Claim, ReportEntry
from semcom.params.schema import RANDOM, Method, Study
from semcom.params.sections import Changing, Component, Digital, Evaluate, Modality, PrivateBase
from semcom.params.tasks import about
from semcom.params.weights import weights_sha256

STAGES = {
    "prepare": "semcom.prepare",
    "pretrain": "semcom.pretrain.stage",
    "knowledge": "semcom.knowledge.private",
    "tune": "semcom.finetune.tune",
    "finetune": "semcom.finetune.stage",
    "changing": "semcom.finetune.changing",
    "evaluate": "semcom.evaluate.sweep",
    "calibration": "semcom.evaluate.links",
    "table": "semcom.channel.digital.simulate",
    "conditions": "semcom.evaluate.conditions",
    "digital": "semcom.evaluate.digital",
    "upload": "semcom.evaluate.upload",
    "learnt": "semcom.evaluate.learnt",
    "report": "semcom.report",
}
"""The module that each stage's verb runs: where its code hash starts."""
_code = cache(code_hash)


@dataclass(frozen=True)
class Jobs:
    """The jobs of a study.

    Args:
        study: the checked params file.
        data: content version of its data set.
        params_file: the params file's name, for the report.
        claims: what the report is to judge.
    """

    study: Study
    data: str
    params_file: str = ""
    claims: Mapping[str, Claim] = field(default_factory=dict)

    @property
    def pretrained(self) -> list[str]:
        """Names of the methods that pre-train."""
        return list(self.study.pretrained)

    @property
    def knowledge_methods(self) -> list[str]:
        """Methods with private bases; beside them the reference row, untrained encoders."""
        chosen = self.study.knowledge_methods
        return [*chosen, RANDOM] if chosen else []

    @property
    def tune_seeds(self) -> tuple[int, ...]:
        """The study's first seeds, those that are tuned on."""
        return self.study.seeds[: self.study.tune.seeds]

    def tune_link(self, link: str) -> str:
        """The link that a link's optimisers are chosen on: the study's first one with its task."""
        links = self.study.links
        return next(name for name, other in links.items() if other.task == links[link].task)

    @property
    def tune_links(self) -> list[str]:
        """The links that are tuned on, one a task."""
        return list(dict.fromkeys(map(self.tune_link, self.study.links)))

    def prepare(self) -> str:
        """Entry of `semcom prepare`."""
        study = self.study
        return to_json(PrepareEntry(name=study.data, size=study.size, data=self.data, code=_hash("prepare")))

    def pretrain(self, method: str, seed: int) -> str:
        """Entry of `semcom pretrain`."""
        chosen = self.study.methods[method]
        settings = chosen.pretrain
        assert settings is not None, f"{method} pre-trains nothing"
        code = _hash(
            "pretrain",
            BACKBONES=[chosen.encoder.backbone],
            LOSSES=[settings.loss],
            OPTIMISERS=[settings.optimiser],
            VIEWS=[settings.views],
        )
        return to_json(
            PretrainEntry(
                **self._place(code),
                method=method,
                seed=seed,
                modalities=chosen.modalities,
                encoder=chosen.encoder,
                pretrain=settings,
                weights_sha256=_weights(chosen),
            )
        )

    def learnt(self, method: str, seed: int) -> str:
        """Entry of `semcom evaluate learnt`."""
        chosen = self.study.methods[method]
        settings = chosen.pretrain
        assert settings is not None, f"{method} pre-trains nothing"
        code = _hash("learnt", BACKBONES=[chosen.encoder.backbone], LOSSES=[settings.loss])
        return to_json(
            LearntEntry(
                **self._place(code),
                method=method,
                seed=seed,
                modalities=chosen.modalities,
                encoder=chosen.encoder,
                pretrain=settings,
            )
        )

    def knowledge(self, method: str, seed: int) -> str:
        """Entry of `semcom knowledge private`; `random`: the encoders of the first method with a base."""
        chosen = self.study.methods[self.study.knowledge_methods[0] if method == RANDOM else method]
        encoder = chosen.encoder.model_copy(update={"weights": None}) if method == RANDOM else chosen.encoder
        return to_json(
            KnowledgeEntry(
                **self._place(_hash("knowledge", BACKBONES=[chosen.encoder.backbone])),
                method=method,
                seed=seed,
                modalities=chosen.modalities,
                encoder=encoder,
                knowledge=PrivateBase(**self.study.knowledge.model_dump(exclude={"methods"})),
            )
        )

    def tune(self, method: str, link: str, labels: str) -> str:
        """Entry of `semcom tune`, on one of `tune_links`."""
        study = self.study
        return to_json(
            TuneEntry(
                **self._place(self._training_code("tune", method, link)),
                **self._training(method, link),
                link_name=link,
                labels=labels,
                fraction=study.labels[labels],
                method=method,
                seeds=self.tune_seeds,
                tune=study.tune,
                weights_sha256=self._started_from(method),
            )
        )

    def finetune(self, method: str, link: str, labels: str, seed: int) -> str:
        """Entry of `semcom finetune`."""
        return to_json(
            FinetuneEntry(
                **self._place(self._training_code("finetune", method, link)),
                **self._training(method, link),
                method=method,
                link_name=link,
                labels=labels,
                fraction=self.study.labels[labels],
                seed=seed,
                weights_sha256=self._started_from(method),
            )
        )

    @property
    def changes(self) -> dict[str, Changing]:
        """The sections of `changing`, with their defaults filled in."""
        return {name: changing.filled(self.study, name) for name in self.study.changing}

    def changing(self, name: str, method: str, seed: int) -> str:
        """Entry of `semcom finetune changing`."""
        given = self.changes[name]
        labels, channels = str(given.labels), [state.channel for state in given.states]
        return to_json(
            ChangingEntry(
                **self._place(self._training_code("changing", method, given.link, channels=channels)),
                **self._training(method, given.link) | {"budgets": given.budgets},
                changing=name,
                method=method,
                link_name=given.link,
                labels=labels,
                fraction=self.study.labels[labels],
                seed=seed,
                weights_sha256=self._started_from(method),
                states=given.states,
                start_budget=given.start_budget or self.study.budgets[-1],
                draws=self.study.evaluate.draws,
            )
        )

    def evaluate(self, method: str, link: str, labels: str, seed: int) -> str:
        """Entry of `semcom evaluate sweep`."""
        return to_json(
            EvaluateEntry(
                **self._place(self._training_code("evaluate", method, link, optimisers=False)),
                **self._training(method, link),
                method=method,
                link_name=link,
                labels=labels,
                seed=seed,
                evaluate=self._sweep,
            )
        )

    @property
    def conditions_of(self) -> dict[str, dict[str, Condition]]:
        """The conditions at test time that concern each method; methods without one are left out."""
        every = self.study.evaluate.conditions
        found = {name: concerning(every, method.modalities) for name, method in self.study.methods.items()}
        return {name: conditions for name, conditions in found.items() if conditions}

    def conditions(self, method: str, link: str, labels: str, seed: int) -> str:
        """Entry of `semcom evaluate conditions`."""
        conditions = self.conditions_of[method]
        views = [condition.degraded for condition in conditions.values() if condition.degraded]
        return to_json(
            ConditionsEntry(
                **self._place(self._training_code("conditions", method, link, optimisers=False, views=views)),
                **self._training(method, link),
                method=method,
                link_name=link,
                labels=labels,
                seed=seed,
                evaluate=self._sweep,
                conditions=conditions,
            )
        )

    def calibration(self, link: str) -> str:
        """Entry of `semcom evaluate link`."""
        channel = self.study.links[link].channel
        return to_json(
            CalibrationEntry(
                study=self.study.study,
                link_name=link,
                channel=channel,
                code=_hash("calibration", CHANNELS=[channel]),
                threads=self.study.compute.threads,
            )
        )

    def digital(self, method: str, link: str, labels: str, seed: int) -> str:
        """Entry of `semcom evaluate digital`."""
        chosen, settings = self.study.methods[method], self.digital_links[link]
        code = _hash(
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
                **self._place(code),
                **self._training(method, settings.link) | {"budgets": self.digital_budgets(method, link)},
                method=method,
                link_name=link,
                # Who else uses the link, and which budgets, would re-run jobs that they do not concern.
                digital=settings.model_copy(update={"methods": None, "budgets": None, "upload": None}),
                tables={Path(file).name: measured_digest(Path(file)) for file in self.error_tables(link)},
                labels=labels,
                fraction=self.study.labels[labels],
                seed=seed,
                neighbours=self.study.knowledge.neighbours,
                evaluate=self._sweep,
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
                code=_hash("upload"),
                channel=analog.channel["use"],
                snr_db=analog.nominal_snr_db,
                modalities=tuple(modality for modality in get_args(Modality) if modality in used),
                upload=settings.upload,
                tables=self._tables(link),
            )
        )

    @property
    def digital_links(self) -> dict[str, Digital]:
        """The digital links, with the methods that they are for."""
        return {
            name: link.model_copy(update={"methods": self.study.digital_methods(name)})
            for name, link in self.study.digital.items()
        }

    def digital_budgets(self, method: str, link: str) -> tuple[int, ...]:
        """Budgets of a method's quantised features; 0 where it pre-trains."""
        return self.study.digital_budgets(method, link)

    def error_tables(self, link: str) -> list[str]:
        """Files of the error tables of a digital link: those measured beforehand, else the ones to make."""
        return [str(place(table.file)) for table in self.study.error_tables(link)]

    @property
    def folders(self) -> list[Path]:
        """Where jobs write results."""
        tables = {Path(file) for link in self.study.digital for file in self.error_tables(link)}
        made = {file.parent for file in tables if not file.is_relative_to(MEASURED) and not file.exists()}
        return [Path("results"), Path("results/data"), Path("results", self.study.study), *sorted(made)]

    def _tables(self, link: str) -> dict[str, str]:
        """The error tables of a digital link as entries have them."""
        return {Path(file).name: measured_digest(Path(file)) for file in self.error_tables(link)}

    def table(self, file: str) -> str:
        """Entry of `semcom links table` for the error table that is called `file`."""
        entry = next(
            table
            for link in self.study.digital
            for table in self.study.error_tables(link)
            if table.file == file
        )
        return to_json(entry.model_copy(update={"code": _hash("table")}))

    def report(self) -> str:
        """Entry of `semcom report`."""
        study = self.study
        return to_json(
            ReportEntry(
                study=study.study,
                report=study.report,
                methods=tuple(study.methods),
                pretrained=tuple(self.pretrained),
                bases=tuple(self.knowledge_methods),
                learnt=study.learnt_methods,
                links=study.links,
                measures={name: about(link.task).measure for name, link in study.links.items()},
                tuned_on={name: on for name in study.links if (on := self.tune_link(name)) != name},
                digital=self.digital_links,
                conditions={name: str(condition) for name, condition in study.evaluate.conditions.items()},
                conditions_of={name: tuple(conditions) for name, conditions in self.conditions_of.items()},
                changing=self.changes,
                labels=study.labels,
                budgets=study.budgets,
                seeds=study.seeds,
                data_name=study.data,
                data=self.data,
                code=_hash("report"),
                params_file=self.params_file,
                claims=dict(self.claims),
                params=study.model_dump(mode="json", exclude={"tracking"}),
            ),
            in_order=True,
        )

    def summary(self) -> str:
        """Study, data version, methods, seeds, links, labels and budgets, on two lines."""
        study = self.study
        needed = {file for link in study.digital for file in self.error_tables(link)}
        unmeasured = sorted(Path(file).stem for file in needed if not Path(file).exists())
        methods = ", ".join(f"{name}{_start(method)}" for name, method in study.methods.items())
        return (
            f"study {study.study}, report {study.report}: data {study.data} "
            f"{study.size[0]}×{study.size[1]}, version {self.data}\n"
            f"  methods {methods}; seeds {_list(study.seeds)}; links {_list(study.links)}; "
            f"labels {_list(f'{name} ({share:g})' for name, share in study.labels.items())}; "
            f"budgets {_list(study.budgets)} epochs"
            + (f"; digital links {_list(study.digital)}" if study.digital else "")
            + (f"; conditions {_list(study.evaluate.conditions)}" if study.evaluate.conditions else "")
            + (f"; changing channels {_list(study.changing)}" if study.changing else "")
            + (f"; error tables to measure {_list(unmeasured)}" if unmeasured else "")
        )

    def _place(self, code: str) -> dict[str, Any]:
        """What every entry knows."""
        return {"study": self.study.study, "data": self.data, "code": code, "compute": self.study.compute}

    @property
    def _sweep(self) -> Evaluate:
        """What a sweep reads of `evaluate`: no conditions."""
        return Evaluate(snr_db=self.study.evaluate.snr_db, draws=self.study.evaluate.draws)

    def _training(self, method: str, link: str) -> dict[str, Any]:
        """What tuning, fine-tuning and evaluation share."""
        chosen = self.study.methods[method]
        return {
            "modalities": chosen.modalities,
            "encoder": chosen.encoder,
            "finetune": chosen.finetune,
            "link": self.study.links[link],
            "budgets": self.study.budgets,
        }

    def _started_from(self, method: str) -> str | None:
        """Digest of the weights that fine-tuning reads itself: those of methods that do not pre-train."""
        chosen = self.study.methods[method]
        return None if chosen.pretrain else _weights(chosen)

    def _training_code(
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
        return _hash(
            stage,
            BACKBONES=[chosen.encoder.backbone],
            SENDERS=[chosen.finetune.sender],
            HEADS=[chosen.finetune.head],
            VIEWS=[chosen.finetune.views, *views],
            CHANNELS=[self.study.links[link].channel, *channels],
            TASKS=[self.study.links[link].task],
            OPTIMISERS=self.study.tune.optimisers if optimisers else (),
        )


def _hash(stage: str, **components: Iterable[dict[str, Any]]) -> str:
    """Hash of the code of a stage and of the components, by family, that its entry names."""
    modules = {module_of(name, component) for name, members in components.items() for component in members}
    return _code(STAGES[stage], *sorted(modules))


def _start(method: Method) -> str:
    """What stands behind the name of a method that does not pre-train."""
    if method.pretrain:
        return ""
    return f" (weights {method.encoder.weights})" if method.encoder.weights else " (no pre-training)"


def _weights(method: Method) -> str | None:
    """SHA-256 of the file that a method's encoders start from; None at random initialisation."""
    return weights_sha256(method.encoder.weights, method.encoder.backbone["use"])


def _list(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))
