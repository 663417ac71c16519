"""What bugfoundry does, whoever asks: the use cases, below the command line and the service."""
