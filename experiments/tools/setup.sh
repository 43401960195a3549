#!/usr/bin/env bash
# Makes an environment for each group of tools, as some of them pin what others need newer:
#
#     bash experiments/tools/setup.sh [FOLDER]        # default: experiments/tools
#
# Needs Python 3.11 (PYTHON=... names another one); for morl-baselines also a C compiler and the headers of GMP (Debian:
# libgmp-dev), from which pip builds pycddlib.
set -euo pipefail
own="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$(dirname "$own")")"
folder="${1:-$own}"
torch="$(grep '^torch==' "$root/constraints.txt")" # first, and pinned: no other package picks it

for extra in mo sb3 zoo rllib torchrl tianshou morl; do
    "${PYTHON:-python3.11}" -m venv "$folder/.venv-$extra"
    "$folder/.venv-$extra/bin/python" -m pip install --quiet "$torch"
    "$folder/.venv-$extra/bin/python" -m pip install --quiet --editable "$root[$extra]" "$torch"
done
touch "$folder/.venv-made" # so `make tools` tries again what has failed
echo "made $folder/.venv-*; next: python experiments/tools/run.py --environments $folder"
