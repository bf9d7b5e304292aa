"""Who gets what: the access matrix, as a table that a privacy officer can check.

`access.txt` has one row for every route and method of the URL conf. Each row says, for each role,
in which relation to a file the door opens; what every other cell must answer follows from that.
`keys.txt` says which fields each answer of the API has. A route without a row fails the build, and
the message says which row to write. What an id in an address stands for, in each relation, is
`world.py`'s to say.
"""
