"""How values are written: quantities with units, fields of sections, mappings with free names, CSV tables, words."""
