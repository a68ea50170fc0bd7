"""What mail servers say, as data: patterns of words, rules with a source each, and their order."""
