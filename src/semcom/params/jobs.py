"""What every job of a study is handed: for each rule the JSON text of its entry.

    study (params file), version of the data ─► Jobs ─► one text a job, the rule's only param

An entry holds what its stage reads and nothing else, so that Snakemake re-runs what a change concerns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from semcom.params import changing
from semcom.params.conditions import Condition, ConditionsEntry, concerning
from semcom.params.digitaljobs import DigitalJobs
from semcom.params.entries import (
    CalibrationEntry,
    ChangingEntry,
    EvaluateEntry,
    FinetuneEntry,
    KnowledgeEntry,
    LearntEntry,
    PrepareEntry,
    PretrainEntry,
    TuneEntry,
    to_json,
)
from semcom.params.jobparts import Parts, weights_of
from semcom.params.reportentry import Claim, ReportEntry
from semcom.params.schema import RANDOM
from semcom.params.sections import Changing, PrivateBase
from semcom.params.stagecode import stage_code
from semcom.params.summary import summary
from semcom.params.tasks import about


@dataclass(frozen=True)
class Jobs(Parts):
    """The jobs of a study.

    Args:
        study: the checked params file.
        data: content version of its data set.
        params_file: the params file's name, for the report.
        claims: what the report is to judge.
    """

    params_file: str = ""
    claims: Mapping[str, Claim] = field(default_factory=dict)

    @property
    def digital(self) -> DigitalJobs:
        """Those of the digital links."""
        return DigitalJobs(self.study, self.data)

    @property
    def folders(self) -> list[Path]:
        """Where jobs write results."""
        own = [Path("results"), Path("results/data"), Path("results", self.study.study)]
        return own + self.digital.folders

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
        return to_json(
            PrepareEntry(name=study.data, size=study.size, data=self.data, code=stage_code("prepare"))
        )

    def pretrain(self, method: str, seed: int) -> str:
        """Entry of `semcom pretrain`."""
        chosen = self.study.methods[method]
        settings = chosen.pretrain
        assert settings is not None, f"{method} pre-trains nothing"
        code = stage_code(
            "pretrain",
            BACKBONES=[chosen.encoder.backbone],
            LOSSES=[settings.loss],
            OPTIMISERS=[settings.optimiser],
            VIEWS=[settings.views],
        )
        return to_json(
            PretrainEntry(
                **self.place(code),
                method=method,
                seed=seed,
                modalities=chosen.modalities,
                encoder=chosen.encoder,
                pretrain=settings,
                weights_sha256=weights_of(chosen),
            )
        )

    def learnt(self, method: str, seed: int) -> str:
        """Entry of `semcom evaluate learnt`."""
        chosen = self.study.methods[method]
        settings = chosen.pretrain
        assert settings is not None, f"{method} pre-trains nothing"
        code = stage_code("learnt", BACKBONES=[chosen.encoder.backbone], LOSSES=[settings.loss])
        return to_json(
            LearntEntry(
                **self.place(code),
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
                **self.place(stage_code("knowledge", BACKBONES=[chosen.encoder.backbone])),
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
                **self.place(self.training_code("tune", method, link)),
                **self.training(method, link),
                link_name=link,
                labels=labels,
                fraction=study.labels[labels],
                method=method,
                seeds=self.tune_seeds,
                tune=study.tune,
                weights_sha256=self.started_from(method),
            )
        )

    def finetune(self, method: str, link: str, labels: str, seed: int) -> str:
        """Entry of `semcom finetune`."""
        return to_json(
            FinetuneEntry(
                **self.place(self.training_code("finetune", method, link)),
                **self.training(method, link),
                method=method,
                link_name=link,
                labels=labels,
                fraction=self.study.labels[labels],
                seed=seed,
                weights_sha256=self.started_from(method),
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
                **self.place(self.training_code("changing", method, given.link, channels=channels)),
                **self.training(method, given.link) | {"budgets": given.budgets},
                changing=name,
                method=method,
                link_name=given.link,
                labels=labels,
                fraction=self.study.labels[labels],
                seed=seed,
                weights_sha256=self.started_from(method),
                states=given.states,
                start_budget=given.start_budget or self.study.budgets[-1],
                draws=self.study.evaluate.draws,
            )
        )

    def evaluate(self, method: str, link: str, labels: str, seed: int) -> str:
        """Entry of `semcom evaluate sweep`."""
        return to_json(
            EvaluateEntry(
                **self.place(self.training_code("evaluate", method, link, optimisers=False)),
                **self.training(method, link),
                method=method,
                link_name=link,
                labels=labels,
                seed=seed,
                evaluate=self.sweep,
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
                **self.place(self.training_code("conditions", method, link, optimisers=False, views=views)),
                **self.training(method, link),
                method=method,
                link_name=link,
                labels=labels,
                seed=seed,
                evaluate=self.sweep,
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
                code=stage_code("calibration", CHANNELS=[channel]),
                threads=self.study.compute.threads,
            )
        )

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
                digital=self.digital.links,
                conditions={name: str(condition) for name, condition in study.evaluate.conditions.items()},
                conditions_of={name: tuple(conditions) for name, conditions in self.conditions_of.items()},
                changing=self.changes,
                labels=study.labels,
                budgets=study.budgets,
                seeds=study.seeds,
                data_name=study.data,
                data=self.data,
                code=stage_code("report", BACKBONES=[m.encoder.backbone for m in study.methods.values()]),
                params_file=self.params_file,
                claims=dict(self.claims),
                params=study.model_dump(mode="json", exclude={"tracking"}),
            ),
            in_order=True,
        )

    def summary(self) -> str:
        """What the study asks for, and which claims it cannot decide."""
        return summary(self.study, self.data, self.claims)
