#!/usr/bin/env bash
# Makes the environment in which morl-baselines is trained, apart from that of mecsim, as it brings much of its own:
#
#     bash experiments/peers/setup.sh [FOLDER]        # default: experiments/peers/.venv
#
# Needs Python 3.11 (PYTHON=... names another one), a C compiler and the headers of GMP (Debian: libgmp-dev), from which
# pip builds pycddlib. Versions are those of constraints.txt, here and in the root of the repository.
set -euo pipefail
own="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$(dirname "$own")")"
folder="${1:-$own/.venv}"
pinned=(--constraint "$root/constraints.txt" --constraint "$own/constraints.txt")

"${PYTHON:-python3.11}" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet "${pinned[@]}" torch  # first, and pinned: no other package picks it
"$folder/bin/python" -m pip install --quiet "${pinned[@]}" --editable "$root" morl-baselines
echo "made $folder; next: python experiments/peers/run.py --peer-python $folder/bin/python"
