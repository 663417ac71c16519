"""What operators and models share: a parsed file, its names, sites, and checks of a change."""
