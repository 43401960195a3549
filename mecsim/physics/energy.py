"""Energy of an offloaded task: radio while it uploads, processor while it executes (arXiv 2509.10474).

Plain arithmetic on numbers, compiled, so that it serves both engines.
"""

from mecsim.compiled import compiled


@compiled
def upload_energy_j(tx_power_w: float, upload_s: float) -> float:
    """E_off = p_off · T_off."""
    return tx_power_w * upload_s


@compiled
def execution_energy_j(capacitance: float, cycles_per_bit: float, cpu_hz: float, size_bit: float) -> float:
    """E_exe = κ · η · f² · L: each cycle costs κ·f² joules, however many tasks share the processor."""
    return capacitance * cycles_per_bit * cpu_hz * cpu_hz * size_bit
