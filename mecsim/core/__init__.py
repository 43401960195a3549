"""What carries every system: the system as an object, tapes, engines and episodes, objectives, plug-ins, kernels."""
