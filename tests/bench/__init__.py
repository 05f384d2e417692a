"""How fast the program is, against decoding its pages and nothing more. See ``tests/bench/__main__.py``."""
