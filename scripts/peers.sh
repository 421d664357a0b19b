#!/bin/sh
# Installs the real peers of the integration tests under .peers/, at the versions of scripts/peers.txt and of scripts/peers/go/,
# and without touching anything else of the machine. Running it again does nothing until those change.
# `--go` has Go come from PyPI where the machine has none that is new enough.
set -eu
cd "${0%/*}/.."

wants_go=
for argument in "$@"; do
  case $argument in
    --go) wants_go=1 ;;
    *) echo "usage: npm run peers [-- --go]" >&2; exit 2 ;;
  esac
done

environment=.peers/python
pins=scripts/peers.txt
installed=$environment/installed.txt

if ! command -v python3 >/dev/null 2>&1; then
  echo 'python3 (3.10 or newer, with venv) is needed for moto, OpenBao, joserfc, drongo and schemathesis: install it and run this again' >&2
  exit 1
fi

make_environment() {
  # A half-made environment (Debian without python3-venv leaves one) would only fail later, and less clearly.
  rm -rf "$1"
  if ! python3 -m venv "$1"; then
    rm -rf "$1"
    echo 'python3 cannot make a virtual environment: on Debian, install python3-venv' >&2
    exit 1
  fi
}

install_wheels() {
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --requirement "$2"
}

if cmp -s "$pins" "$installed"; then
  echo "moto, openbao, joserfc, drongo and schemathesis: in $environment already"
else
  make_environment "$environment"
  install_wheels "$environment" "$pins"
  cp "$pins" "$installed"
  echo "moto, openbao, joserfc, drongo and schemathesis: installed in $environment"
fi

# install_packages <folder of scripts/peers> <what is in it>
install_packages() {
  wanted=scripts/peers/$1
  if cmp -s "$wanted/package-lock.json" ".peers/$1/installed.json"; then
    echo "$2: in .peers/$1 already"
    return
  fi
  rm -rf ".peers/$1"
  mkdir -p ".peers/$1"
  cp "$wanted/package.json" "$wanted/package-lock.json" .npmrc ".peers/$1/"
  npm ci --prefix ".peers/$1" --loglevel=error
  cp "$wanted/package-lock.json" ".peers/$1/installed.json"
  echo "$2: installed in .peers/$1"
}

# Other versions of Node, for `npm run test:node`.
install_packages node 'node 22, 24 and 26'
install_packages javascript 'the client of Dapr for JavaScript'

if command -v redis-server >/dev/null 2>&1; then
  echo 'redis: found on PATH'
else
  echo 'redis: redis-server is not on PATH; its tests will be skipped (on Debian, install redis-server)'
fi

# unpack <package of Debian> <program> ...: takes programs out of a package that is not to be installed. A program is written as
# `name`, or `name:other` for another name here.
unpack() {
  package=$1; shift
  unpacked=$(mktemp -d)
  if (cd "$unpacked" && apt-get download --quiet "$package" && dpkg-deb --extract ./*.deb .) >"$unpacked/log" 2>&1; then
    mkdir -p .peers/bin
    for program in "$@"; do mv "$unpacked/usr/bin/${program%:*}" ".peers/bin/${program#*:}"; done
    echo "$package: unpacked in .peers/bin"
  else
    echo "$package: no package of Debian to be had; its tests will be skipped"
  fi
  rm -rf "$unpacked"
}

# Installed, it would start a server on every address.
if [ -x .peers/bin/promtool ] || command -v promtool >/dev/null 2>&1; then
  echo 'prometheus: found'
else
  unpack prometheus prometheus promtool
fi

# Beside the kubectl of today, for its old Kustomize.
if [ -x .peers/bin/kubectl-debian ]; then
  echo 'kubectl-debian: found'
else
  unpack kubernetes-client kubectl:kubectl-debian
fi

# Programs in Go: each folder of scripts/peers/go/ is a module whose `tool` lines say what is built into .peers/bin/.
go_pins=scripts/peers/go/go.txt
go_environment=.peers/go
bin=$PWD/.peers/bin
# Never another toolchain than the one that was found.
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-buildvcs=false

# Whether this Go is new enough for the module.
builds() { "$1" -C "$2" list -m >/dev/null 2>&1; }

# The Go to build the module with; nothing if there is none.
find_go() {
  if builds go "$1"; then echo go; return; fi
  [ -n "$wants_go" ] || return 0
  if ! cmp -s "$go_pins" "$go_environment/installed.txt"; then
    make_environment "$go_environment"
    install_wheels "$go_environment" "$go_pins"
    cp "$go_pins" "$go_environment/installed.txt"
  fi
  echo "$PWD/$go_environment/bin/go"
}

# All that decides what is built: a module's files are read by name, in the shell's order.
source_of() { find "$1" -type f | LC_ALL=C sort | xargs cat; }

for module in scripts/peers/go/*/; do
  name=$(basename "$module")
  built=$bin/$name.built
  if [ -f "$built" ] && source_of "$module" 2>/dev/null | cmp -s - "$built"; then
    echo "$name: in .peers/bin already"
    continue
  fi
  go=$(find_go "$module")
  if [ -z "$go" ]; then
    wanted=$(sed -n 's/^go //p' "$module/go.mod")
    echo "$name: Go $wanted or newer is not on PATH; its tests will be skipped (npm run peers -- --go fetches it)"
    continue
  fi
  echo "$name: is being built, which takes some minutes the first time"
  rm -f "$built"
  mkdir -p "$bin"
  flags=$(cat "$module/ldflags" 2>/dev/null || true)
  nice -n 10 "$go" -C "$module" build -p 2 -trimpath -ldflags "-s -w $flags" -o "$bin/" tool
  source_of "$module" > "$built"
  echo "$name: built in .peers/bin"
done
