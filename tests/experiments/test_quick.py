"""Each experiment runs in its quick form and writes its table."""

import csv
import subprocess
import sys
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def test_known_behaviour(tmp_path: Path) -> None:
    out = tmp_path / "result.csv"
    script = EXPERIMENTS / "known_behaviour" / "run.py"
    done = subprocess.run(
        [sys.executable, script, "--quick", "--out", out], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["policy"] for row in rows] == ["greedy"] * 4 + ["random"] * 4
    assert all(float(row["delay_s_mean"]) > 0.0 for row in rows)
    stored = (EXPERIMENTS / "known_behaviour" / "result.csv").read_text().splitlines()[0]
    assert stored == ",".join(rows[0]), "the stored result is of another form than the script's"
