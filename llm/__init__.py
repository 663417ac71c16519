"""The one client to a language model: what was asked, what it cost, what may still be spent."""
