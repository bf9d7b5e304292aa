"""python -m tests.bench: our promises about speed, measured side by side.

Contestants answer the same question over HTTP from the same server program: the product, what
anybody would write with the stock packages, and the floor below which no Python can go. Their
answers are compared before anything is timed. They take turns inside each round and the ratios are
taken inside the round, so whatever else the machine does falls on all of them.
"""
