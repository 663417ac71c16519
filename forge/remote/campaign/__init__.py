"""Campaigns: many repositories forged under one budget, unattended."""
