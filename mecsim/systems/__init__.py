"""The systems that can be simulated, a folder each; they never import each other."""

BUILT_IN = {
    "offload": "mecsim.systems.offload:SYSTEM",
    "cells": "mecsim.systems.cells:SYSTEM",
}
"""Where each stands. Other packages name theirs by entry points `mecsim.systems`."""
