"""Importers: recorded data of others made into tables and a scenario that runs.

An importer is a file of its own and a line of `BUILT_IN`, or an entry point `mecsim.imports` of another package. `base`
says what it has to give, `clean` what is dropped of it, `write` what is made of the rest.
"""

BUILT_IN = {
    "sites": "mecsim.imports.sites:IMPORTER",
    "geojson": "mecsim.imports.geojson:IMPORTER",
    "walks": "mecsim.imports.walks:IMPORTER",
    "gpx": "mecsim.imports.gpx:IMPORTER",
    "geolife": "mecsim.imports.geolife:IMPORTER",
    "sumo-fcd": "mecsim.imports.sumo:IMPORTER",
    "azure-llm": "mecsim.imports.azure:IMPORTER",
    "alibaba-genai": "mecsim.imports.alibaba:IMPORTER",
    "topo4mec": "mecsim.imports.raycloudsim:TOPO4MEC",
    "pakistan-tuples": "mecsim.imports.raycloudsim:PAKISTAN",
}
"""Importers of mecsim by name."""
