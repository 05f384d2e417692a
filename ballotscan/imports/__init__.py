"""Other people's files into our nouns: exports of form tools, and tables that an office declares."""
