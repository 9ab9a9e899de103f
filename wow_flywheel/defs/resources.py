"""The resource that all assets share: the settings, and the plain objects that they open.

What belongs here: building objects that know nothing of Dagster. What does not: using them. The environment is read when a run
asks for it, never while definitions load; the endpoint's key is read only when a client is made, and is in no run config.
"""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from pydantic import Field

from wow_flywheel.lake import Lake
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel.settings import Settings

if TYPE_CHECKING:
    from wow_flywheel.inspection.panel import Panel
    from wow_flywheel.llm.batches import Batches
    from wow_flywheel.llm.client import LlmClient

API_KEY = dg.EnvVar("WOW_LLM_API_KEY")


class Flywheel(dg.ConfigurableResource["Flywheel"]):
    """Opens what the settings name.

    Attributes:
        window_days: How many days back Good Cases serve as candidates for rewriting, and how many days feed a cycle.
    """

    window_days: int = Field(default=7, ge=1)

    def settings(self) -> Settings:
        """The settings of this moment's environment."""
        return Settings.from_env(os.environ)

    def lake(self) -> Lake:
        """The tables."""
        return Lake.at(self.settings().lake_uri)

    def releases(self) -> ReleaseStore:
        """The released models."""
        return ReleaseStore(self.settings().models_uri)

    def cycle_folder(self, cycle: str) -> Path:
        """Where a cycle's files and models lie."""
        return Path(self.settings().models_uri) / "cycles" / cycle

    def knowledge(self) -> pl.DataFrame:
        """Knowledge units: unit_id, title, content."""
        from wow_flywheel.knowledge.load import load_knowledge

        return load_knowledge(self.settings().knowledge_uri)

    def procedures(self) -> pl.DataFrame:
        """Procedures: policy_id, scenario, reply_id, text, next_reply_id."""
        from wow_flywheel.knowledge.load import load_procedures

        return load_procedures(self.settings().policies_uri)

    def llm(self) -> "LlmClient | None":
        """The client of the configured endpoint, with its ledger in the lake and the run's budget; None without an endpoint."""
        from wow_flywheel.llm import settings_from
        from wow_flywheel.llm.options import LlmOptions

        settings, options = self.settings(), LlmOptions.from_env(os.environ)
        endpoint = settings_from(settings, API_KEY.get_value())
        if endpoint is None:
            return None
        from wow_flywheel.llm.budget import Budget
        from wow_flywheel.llm.client import LlmClient
        from wow_flywheel.llm.ledger import Ledger

        budget = Budget(options.budget_tokens, options.budget_usd)
        return LlmClient(options.applied(endpoint), Ledger.at(settings.lake_uri), budget)

    def panel(self) -> "Panel | None":
        """The LLM panel that inspects a day: what it hears is chosen by the cascade; None without an endpoint.

        Both models share the run's budget.
        """
        client = self.llm()
        if client is None:
            return None
        from wow_flywheel.inspection.cascade import Cascade
        from wow_flywheel.inspection.panel import Panel
        from wow_flywheel.llm.client import LlmClient
        from wow_flywheel.llm.options import LlmOptions

        options = LlmOptions.from_env(os.environ)
        second = None
        if options.second_model is not None:
            other = options.applied(dataclasses.replace(client.settings, model=options.second_model))
            second = LlmClient(other, client.ledger, client.budget)
        return Panel(client, second, Cascade(options.audit_share, triage_share=options.triage_share))

    def batches(self, panel: "Panel") -> "Batches | None":
        """Lets the panel's questions wait for the Batch API; None where they are asked directly."""
        from wow_flywheel.llm.options import LlmOptions

        hours = LlmOptions.from_env(os.environ).batch_hours
        if hours is None:
            return None
        from wow_flywheel.llm.batches import Batches

        clients = [panel.client, *([panel.second] if panel.second else [])]
        return Batches.of(self.settings().lake_uri, clients, hours * 3600)
