#!/bin/sh
# npm run test:node -- <major> [--smoke | file ...]: the tests under another Node than the one at hand, as `npm run peers` installs it.
# `--smoke` is what CI runs under each: all unit tests and the contract, and the built program as a process, alone and with workers.
set -eu
cd "${0%/*}/.."

major=${1:-}
case $(uname -m) in x86_64) cpu=x64 ;; aarch64) cpu=arm64 ;; *) cpu=$(uname -m) ;; esac
bin=$PWD/.peers/node/node_modules/node-$major-$cpu/bin
if [ -z "$major" ] || [ ! -x "$bin/node" ]; then
  echo 'usage: npm run test:node -- <22, 24 or 26> [--smoke | file ...], after npm run peers' >&2
  exit 2
fi
shift

if [ "${1:-}" = --smoke ]; then
  shift
  smoke='lifecycle workers keys reload'
  set -- $(
    { find test/unit test/contract -name '*.test.ts' | LC_ALL=C sort
      for name in $smoke; do echo "test/e2e/$name.test.ts"; done
    } | sed 's|^|build/|; s|ts$|js|'
  )
fi
# First on PATH, for scripts that start a Node by its name; but npm and npx stay those at hand.
PATH=$bin:$PATH
export PATH
echo "Node $(node --version)"
exec node build/test/support/run.js "$@"
