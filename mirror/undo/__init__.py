"""Put the bug that a fix ended back into today's code, without a model."""
