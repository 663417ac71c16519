"""Numbers with their nouns."""

from __future__ import annotations

from storage.nouns import choose_form as choose_form
from storage.nouns import format_count as format_count
