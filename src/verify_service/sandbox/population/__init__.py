"""The synthetic population: everybody whose identity number begins with 99, each a pure function of (seed, number).

Nothing is stored, so 62 million people cost nothing. The registers ask `Population.person` and turn the truth into
their own wire formats; the benchmarks and the example files ask `household` and `name_of`.
"""
