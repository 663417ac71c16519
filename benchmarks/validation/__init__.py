"""What a verdict costs, by the ways to screen bugs and beside two mutation testing tools."""
