"""What maintainers are told: texts made of values, with nothing read and nothing sent.

Code, names of tests and what tests print are anybody's text: they stand in code alone, where they
can mention nobody, link nowhere and close nothing.
"""
