"""Repositories that the App can see: opt-in, wishes, plan, refresh."""
