"""The dashboard: server-rendered pages over the store, which work without JavaScript."""
