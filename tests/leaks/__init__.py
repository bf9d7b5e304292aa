"""What the leak scan is made of: words in every field, a tour of the whole application by
everybody, and every store that could keep a word. `tests/test_leaks.py` puts them together."""
