"""The synthetic population: everybody whose identity number begins with 99, each a pure function of (seed, number).

Nothing is stored, so 62 million people cost nothing. The registers ask `Population.person` and turn the truth into
their own wire formats; the benchmarks and the example files ask `household` and `name_of`.
"""

from verify_service.sandbox.population.names import name_of
from verify_service.sandbox.population.people import HOUSEHOLDS_PER_REGION, household
from verify_service.sandbox.population.population import CAMPAIGN, ORDINARY, SOURCES, Population
from verify_service.sandbox.population.regions import COUNTIES, REGIONS
from verify_service.sandbox.population.truth import Person

__all__ = [
    "CAMPAIGN",
    "COUNTIES",
    "HOUSEHOLDS_PER_REGION",
    "ORDINARY",
    "REGIONS",
    "SOURCES",
    "Person",
    "Population",
    "household",
    "name_of",
]
