"""`bugfoundry app check`: what is wrong with a configuration, in plain words."""
