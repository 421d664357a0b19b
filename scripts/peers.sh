#!/bin/sh
# Installs the real peers of the integration tests under .peers/, at the versions of scripts/peers.txt and without
# touching anything else of the machine. Running it again does nothing until that file changes.
set -eu
cd "${0%/*}/.."

environment=.peers/python
pins=scripts/peers.txt
installed=$environment/installed.txt

if ! command -v python3 >/dev/null 2>&1; then
  echo 'python3 (3.10 or newer, with venv) is needed for moto, OpenBao, joserfc and drongo: install it and run this again' >&2
  exit 1
fi

if cmp -s "$pins" "$installed"; then
  echo "moto, openbao, joserfc and drongo: in $environment already"
else
  # A half-made environment (Debian without python3-venv leaves one) would only fail later, and less clearly.
  rm -rf "$environment"
  if ! python3 -m venv "$environment"; then
    rm -rf "$environment"
    echo 'python3 cannot make a virtual environment: on Debian, install python3-venv' >&2
    exit 1
  fi
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --requirement "$pins"
  cp "$pins" "$installed"
  echo "moto, openbao, joserfc and drongo: installed in $environment"
fi

if command -v redis-server >/dev/null 2>&1; then
  echo 'redis: found on PATH'
else
  echo 'redis: redis-server is not on PATH; its tests will be skipped (on Debian, install redis-server)'
fi

# Out of Debian's package, since installing it would start a server on every address.
if [ -x .peers/bin/promtool ] || command -v promtool >/dev/null 2>&1; then
  echo 'prometheus: found'
else
  unpacked=$(mktemp -d)
  trap 'rm -rf "$unpacked"' EXIT
  if (cd "$unpacked" && apt-get download --quiet prometheus && dpkg-deb --extract prometheus_*.deb .) >"$unpacked/log" 2>&1; then
    mkdir -p .peers/bin
    mv "$unpacked/usr/bin/prometheus" "$unpacked/usr/bin/promtool" .peers/bin/
    echo 'prometheus: unpacked in .peers/bin'
  else
    echo 'prometheus: not on PATH, and no package of Debian to be had; its tests will be skipped'
  fi
fi
