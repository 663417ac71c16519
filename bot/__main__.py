"""``python -m bot`` is ``bugfoundry``."""

from bot.cli import main

main()
