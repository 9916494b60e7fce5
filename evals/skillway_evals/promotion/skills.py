"""Which stage is a skill in, which would be next, and do the gates before it hold?

Puts policy, inputs and records together for skills. It moves nothing; preparing a move is `request`'s part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from skillway.aliases import current_names, read_aliases
from skillway.catalog import Catalog, load_catalog
from skillway.errors import ConflictError, NotFoundError
from skillway.organisation import Organisation, load_organisation
from skillway_evals.agent.arms import Subject, find_subject, skill_digest
from skillway_evals.promotion.engine import Assessment, GateInput, assess
from skillway_evals.promotion.evidence import Evidence
from skillway_evals.promotion.inputs import EvidenceInput, skill_inputs
from skillway_evals.promotion.policy import Gate, Policy, Stage, load_policy
from skillway_evals.promotion.records import ACCEPT, Decided, latest, read_decisions


@dataclass(slots=True)
class Repository:
    """A repository as promotions see it; `open_repository` makes one."""

    root: Path
    organisation: Organisation
    catalog: Catalog
    policy: Policy
    decisions: tuple[Decided, ...]
    evidence: EvidenceInput
    inputs: Mapping[str, GateInput]

    def subject(self, name: str) -> Subject:
        """Find a skill by `plugin:skill`, by a name that it had, or by its own name where that is enough.

        Raises:
            NotFoundError: There is none, or several.
        """
        wanted = name.lstrip("/")
        wanted = current_names(read_aliases(self.root)).get(wanted, wanted)
        found = [key for key in self.names() if wanted in (key, key.partition(":")[2])]
        if len(found) != 1:
            shown = ", ".join(found or self.names()) or "none yet"
            message = f"{len(found)} skills are called {name!r}." if found else f"There is no skill {name!r} here."
            raise NotFoundError(message, fix=f"Name one of: {shown}.", next_actions=("skillway catalog list",))
        return find_subject(self.catalog, found[0])

    def names(self) -> list[str]:
        """Name all skills, as `plugin:skill`."""
        return sorted(f"{plugin.name}:{skill.name}" for plugin in self.catalog.plugins for skill in plugin.skills)

    def names_of(self, subject: Subject) -> list[str]:
        """Name a skill by its name of today and all its former ones."""
        former = current_names(read_aliases(self.root))
        return [subject.name, *(old for old, new in former.items() if new == subject.name)]

    def next_stage(self, subject: Subject) -> Stage:
        """Give the stage that a skill would enter.

        Raises:
            ConflictError: It is in the last one, or in none.
        """
        stage = self.policy.after(subject.plugin.layer)
        if stage is None:
            raise ConflictError(
                f"{subject.name} is in {subject.plugin.layer}, and promotion.yaml has no stage after it.",
                fix="There is nothing to promote; whether its evidence holds says: skillway promote --check",
                next_actions=("skillway promote --check",),
            )
        return stage

    def look(self, subject: Subject, stage: Stage, *, signer: str = "") -> Assessment:
        """Hold a skill against all gates before a stage.

        Args:
            subject: The skill.
            stage: The stage that it would enter.
            signer: Who signs off right now that no value is claimed, in place of what was recorded.
        """
        self._sign_off(subject, stage, signer)
        return assess(subject.name, stage.name, stage.gates, self.inputs)

    def check(self, on_skill: Callable[[], None] = lambda: None) -> list[Assessment]:
        """Hold every skill against the gates that have to go on holding in the stage that it is in."""
        found = []
        for subject, stage, gates in self.staying():
            self._sign_off(subject, stage, "")
            found.append(assess(subject.name, stage.name, gates, self.inputs))
            on_skill()
        return found

    def staying(self) -> list[tuple[Subject, Stage, list[Gate]]]:
        """List the skills whose stage has gates that go on holding."""
        subjects = [find_subject(self.catalog, name) for name in self.names()]
        stages = [(subject, self.policy.stage(subject.plugin.layer)) for subject in subjects]
        kept = [(subject, stage, [gate for gate in stage.gates if gate.stays]) for subject, stage in stages if stage]
        return [entry for entry in kept if entry[2]]

    def decision(self, subject: Subject, stage: Stage) -> Decided | None:
        """Give what a person decided last on this skill with this content, or None."""
        return latest(self.decisions, self.names_of(subject), stage.name, skill_digest(subject))

    def _sign_off(self, subject: Subject, stage: Stage, signer: str) -> None:
        """Take an accepting decision as the sign-off of a skill that claims no value; it names the content."""
        decided = self.decision(subject, stage)
        if not signer and decided is not None and decided.decision == ACCEPT:
            signer = f"{decided.by} on {decided.at[:10]}"
        self.evidence.signed_off = {**self.evidence.signed_off, subject.name: signer}


def open_repository(root: Path, *, store: Path | None = None, keys: Path | None = None) -> Repository:
    """Read what promotions need of a repository.

    Args:
        root: The folder with organisation.yaml.
        store: The collector's file, or None for the user's own.
        keys: The folder of trusted public keys; evals/keys where None.

    Raises:
        SkillwayError: organisation.yaml, promotion.yaml or a file of records cannot be used.
    """
    policy, organisation = load_policy(root), load_organisation(root)
    catalog = load_catalog(root, organisation)
    evidence = EvidenceInput(Evidence(root, catalog, keys))
    inputs = skill_inputs(catalog, organisation, evidence, store)
    return Repository(root, organisation, catalog, policy, read_decisions(root), evidence, inputs)
