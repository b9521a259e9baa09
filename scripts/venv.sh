#!/bin/sh
# Makes .venv and installs Drumtower into it, with the versions of constraints.txt. `venv.sh dev` adds the tools of `make test`.
set -eu
cd "$(dirname "$0")/.."
extra=${1:+[$1]}

# The distribution's own interpreter comes first: one that was built from source with default options takes 15 to 20 % more
# CPU for the same work (measured with `python -m bench sip`).
python=""
for candidate in "${PYTHON:-}" /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    echo "Drumtower needs Python 3.11 or newer with its venv module. On Debian 12:  apt-get install python3 python3-venv" >&2
    exit 1
fi
[ -x .venv/bin/python ] || { echo "== making .venv with $("$python" --version)"; "$python" -m venv .venv; }
echo "== installing Drumtower$extra and what it needs (about a minute the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".$extra"
touch .venv/.installed
if [ -n "$extra" ]; then touch .venv/.installed-dev; fi
