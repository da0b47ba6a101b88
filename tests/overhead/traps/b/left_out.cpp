// Named by a generator expression: the check says that it does not look at it.
