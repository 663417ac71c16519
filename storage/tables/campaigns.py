"""The part of the store that holds how far campaigns are."""

from __future__ import annotations

from storage.records import CampaignStep
from storage.tables import rows
from storage.tables.table import Tables


class Campaigns(Tables):
    """Keeps what came of each repository of a campaign; reached as ``store.campaigns``."""

    def set_step(self, step: CampaignStep) -> None:
        """Keep what is known of a repository by now."""
        with self._write_together():
            self._put_row("campaign_steps", rows.to_row(step))

    def step(self, campaign: str, source: str) -> CampaignStep | None:
        """Return what is known of a repository."""
        query = "select * from campaign_steps where campaign = ? and source = ?"
        found = self._read_rows(query, campaign, source)
        return next((rows.from_row(row, CampaignStep) for row in found), None)

    def steps(self, campaign: str) -> list[CampaignStep]:
        """Return what is known of a campaign, in the order in which it was begun."""
        query = "select * from campaign_steps where campaign = ? order by rowid"
        return [rows.from_row(row, CampaignStep) for row in self._read_rows(query, campaign)]
