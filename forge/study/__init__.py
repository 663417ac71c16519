"""Study what was made: costs, yields, realism, and the report on all of it."""
