#!/usr/bin/env bash
# The first command of the README as whoever clones this has it: what is committed, in a folder of its own, installed without
# any script of a package; then the service starts and is alive. Rule: nothing that this folder has besides may help.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill -TERM "$server" 2>/dev/null || true; wait "$server" || true; fi
  rm -rf "$folder"
}
trap finish EXIT

git archive HEAD | tar -x -C "$folder"
cd "$folder"
npm ci --ignore-scripts
npm run build
export PORT
PORT=$(node -e "
  const server = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(server.address().port); server.close() })")
node -- build/src/cli/purser.js quickstart > quickstart.log 2>&1 & server=$!
node -e "
  const until = Date.now() + 60000
  const ask = () => fetch('http://127.0.0.1:$PORT/livez', { signal: AbortSignal.timeout(2000) }).then(
    (answer) => process.exit(answer.status === 200 ? 0 : 1),
    () => (Date.now() < until ? setTimeout(ask, 200) : process.exit(1)))
  ask()" || { cat quickstart.log; echo '0 passed, 1 failed'; exit 1; }
echo 'ok - from what is committed, npm ci --ignore-scripts makes a service that starts'
echo '1 passed, 0 failed'
