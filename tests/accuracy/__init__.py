"""Accuracy: simulated sheets and real ones through the reader, compared with the truth."""
