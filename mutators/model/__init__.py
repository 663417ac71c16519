"""Bugs written by a language model: slips put in, functions written anew."""
