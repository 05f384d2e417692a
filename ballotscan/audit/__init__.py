"""PROOF: how wrong a period's figures can still be, from sheets drawn at random and read by a person."""
