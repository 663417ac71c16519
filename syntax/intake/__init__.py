"""What of a patch is put back before it is graded. Runs inside exported tasks too, as old as 3.8.

Its modules import the standard library, ``syntax.paths`` and tomlkit alone.
"""
