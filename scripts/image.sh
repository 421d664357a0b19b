#!/usr/bin/env bash
# Builds the image from the Dockerfile and proves what it promises, on machines that can reach no image registry and start
# no container runtime. Rule: the first broken promise ends it with exit code 1, and it ends only what it started itself.
#
# The base image is a stand-in under the real one's name: Debian from debootstrap, Node from npm (pinned below, of the
# Dockerfile's major) and this machine's npm. Programs are started from the built image in a chroot, once as buildah starts
# them and once as docker-compose.yml has them run: read-only root, no capability, no new privileges.
# Needs root, and buildah, debootstrap and Node with npm. The stand-in is kept in IMAGE_CACHE (.peers/image).
set -euo pipefail
cd "$(dirname "$0")/.."

node_version=26.10.0
base=$(sed -n 's/^FROM \(.*\) AS base$/\1/p' Dockerfile)
cache=${IMAGE_CACHE:-.peers/image}
passed=0

say() { printf '%s\n' "$*"; }
fail() { say "not ok - $*"; say "$passed passed, 1 failed"; exit 1; }
# check <promise> <command...>: the promise is kept if the command succeeds.
check() {
  local promise=$1; shift
  "$@" || fail "$promise"
  passed=$((passed + 1)); say "ok - $promise"
}
none() { [ -z "$*" ] || { say "$*"; return 1; }; }
same() { [ "$1" = "$2" ] || { say "expected $2, got $1"; return 1; }; }

[ "$(id -u)" = 0 ] || { say 'scripts/image.sh must run as root'; exit 1; }
for tool in buildah debootstrap setpriv unshare pgrep npm; do
  command -v "$tool" >/dev/null || { say "scripts/image.sh needs $tool (Debian: buildah, debootstrap, procps)"; exit 1; }
done

mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
work=$(mktemp -d)
container=
server=
# A process and what it started, parents first: buildah, its chroot, the program.
family() { local child; echo "$1"; for child in $(pgrep -P "$1"); do family "$child"; done; }
finish() {
  # The server's id is the one this script was given when it started it.
  if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then family "$server" | xargs kill -KILL || true; fi
  if [ -n "$container" ]; then buildah umount "$container" >/dev/null || true; buildah rm "$container" >/dev/null || true; fi
  umount "$cache/store/overlay" 2>/dev/null || true # which buildah mounts onto itself
  rm -rf --one-file-system "$work"
}
trap finish EXIT

# A store of images of our own: the machine's is left as it is.
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$cache/store" "$cache/run" > "$cache/storage.conf"
export CONTAINERS_STORAGE_CONF=$cache/storage.conf

make_base() {
  local root=$cache/base npm_home cpu
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates,libatomic1 bookworm "$root" > "$cache/debootstrap.log" 2>&1 ||
    { tail -n 20 "$cache/debootstrap.log"; fail 'debootstrap makes a Debian'; }
  case $(uname -m) in x86_64) cpu=x64 ;; aarch64) cpu=arm64 ;; *) fail "npm has a Node for $(uname -m)" ;; esac
  npm install --prefix "$cache/node" --no-save --ignore-scripts "node-linux-$cpu@$node_version" > "$cache/npm.log" 2>&1 ||
    { tail -n 20 "$cache/npm.log"; fail "npm installs Node $node_version"; }
  install -m 755 "$cache/node/node_modules/node-linux-$cpu/bin/node" "$root/usr/local/bin/node"
  npm_home=$(npm root --global 2>/dev/null)/npm
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -rL "$npm_home" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  container=$(buildah from scratch)
  # Where the machine needs certificates of its own to reach npm's registry, the build inside needs them as well.
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
    cp "$NODE_EXTRA_CA_CERTS" "$root/usr/local/share/extra-ca.pem"
    buildah config --env NODE_EXTRA_CA_CERTS=/usr/local/share/extra-ca.pem "$container"
  fi
  buildah add --quiet "$container" "$root" / >/dev/null
  buildah commit --quiet --rm "$container" "$base" >/dev/null
  container=
  rm -rf "$root" "$cache/node"
  touch "$made"
}

tag=${base##*:}
same "${node_version%%.*}" "${tag%%.*}" || fail "the Dockerfile and this script name the same major of Node"
made=$cache/node-$node_version
if [ ! -e "$made" ] || ! buildah inspect --type image "$base" >/dev/null 2>&1; then make_base; fi
say "# the stand-in for $base runs Node $node_version: the tag's own Node is not what was run"

epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
# build <folder> <file for its id> <more>: in Docker's format, since OCI's has no HEALTHCHECK.
build() {
  local folder=$1 id=$2; shift 2
  buildah build --pull=never --layers --force-rm --format docker --isolation chroot --network host --timestamp "$epoch" "$@" \
    --iidfile "$id" "$folder" > "$work/build.log" 2>&1 || { tail -n 40 "$work/build.log"; fail 'the image builds'; }
}
build . "$work/image"
image=$(cat "$work/image")
check 'the image builds from the Dockerfile with npm ci --ignore-scripts' test -n "$image"
container=$(buildah from "$image")
root=$(buildah mount "$container")

# config <expression on c>: what the image says of itself, a line each.
config() {
  buildah inspect --type image "$image" |
    node -e "const c = JSON.parse(require('fs').readFileSync(0)).Docker.config; console.log([$1].flat().join('\n'))"
}
check 'it runs as user 65532:65532' same "$(config c.User)" 65532:65532
check 'it is stopped with SIGTERM' same "$(config c.StopSignal)" SIGTERM
check 'it has a health check' same "$(config 'c.Healthcheck?.Test[0]')" CMD
check 'its environment holds no setting but where things are' \
  none "$(config 'c.Env' | grep -Ev '^(PATH|NODE_VERSION|YARN_VERSION|NODE_EXTRA_CA_CERTS|NODE_ENV|PORT|DATA_DIR|CONFIG_FILE)=' || true)"
# Whoever asks what was built from what has this digest to compare (docs/provenance.md).
layer() { buildah inspect --type image "$1" | node -p 'JSON.parse(require("fs").readFileSync(0)).OCIv1.rootfs.diff_ids.at(-1)'; }
build_elsewhere() {
  (
    umask 077
    mkdir "$work/elsewhere"
    grep '^!' .dockerignore | sed 's/^!//; s|/\*\*$||' | xargs cp -R --parents --no-preserve=mode,timestamps -t "$work/elsewhere"
    cp Dockerfile .dockerignore "$work/elsewhere/"
    find "$work/elsewhere" -exec touch --date='1999-12-31 23:59:59' {} +
    build "$work/elsewhere" "$work/another" --no-cache
  )
}
build_elsewhere
another=$(cat "$work/another")
say "# application layer: $(layer "$image") (SOURCE_DATE_EPOCH=$epoch)"
check 'built from another folder, under another umask, from files of another time, the application layer is the same' \
  same "$(layer "$another")" "$(layer "$image")"
buildah rmi "$another" >/dev/null 2>&1 || true
check 'it has no package that the lockfile keeps for development' none "$(node -e "
  for (const [path, { dev }] of Object.entries(require('./package-lock.json').packages))
    if (dev && require('fs').existsSync('$root/app/' + path)) console.log(path)")"
check 'it holds the four things the program is made of' \
  same "$(cd "$root/app" && echo *)" 'build node_modules openapi.yaml package.json'
check 'it has the program and its page but no test, source or source map' \
  none "$(cd "$root/app"; find build -mindepth 1 -maxdepth 1 ! -name src ! -name console; find build -name '*.ts' -o -name '*.map' -o -name '*.test.js')"
check 'it has no .env, key or data file' \
  none "$(find "$root/data" -mindepth 1; cd "$root/app"; find . -path ./node_modules -prune -o -name '.*' ! -name . -print)"
check "it has lmdb's prebuilt binary for glibc" test -n "$(find "$root/app/node_modules/@lmdb" -name '*.glibc.node' -print -quit)"
check 'it has no npm' test ! -e "$root/usr/local/bin/npm" -a ! -e "$root/usr/local/lib/node_modules"
check 'it has no setuid or setgid file' none "$(find "$root" -xdev -type f -perm /6000)"
check 'the program cannot write to itself' none "$(find "$root/app" ! -user root -o ! -type l -perm /022)"

# What the container is given: a volume, a folder with configuration and keys made for this run, and the settings.
install -d -o 65532 -g 65532 -m 700 "$work/data" "$work/purser"
printf 'stores: [{ name: local, kind: local }]\npolicies: []\n' > "$work/purser/purser.yaml"
random() { node -p "require('crypto').randomBytes($1).toString('hex')"; }
random 16 > "$work/purser/encryption_keys"
random 32 > "$work/purser/internal_secret"
chown 65532:65532 "$work"/purser/*; chmod 400 "$work"/purser/*; chmod 755 "$work"
port=$(node -e "
  const server = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(server.address().port); server.close() })")
settings=(ENVIRONMENT=pro "PORT=$port"
  ENCRYPTION_KEYS_FILE=/etc/purser/encryption_keys INTERNAL_SECRET_FILE=/etc/purser/internal_secret)
mapfile -t environment < <(config c.Env)
mapfile -t command < <(config '[...c.Entrypoint, ...c.Cmd]')
mapfile -t health < <(config 'c.Healthcheck.Test.slice(1)')

# Both end in an exec, to be called in a subshell or in the background: the id that the caller gets is what was started.
in_image() {
  exec buildah run --isolation chroot "${settings[@]/#/--env=}" --volume "$work/data:/data" \
    --volume "$work/purser:/etc/purser:ro" "$container" -- "$@"
}
# As docker-compose.yml runs it.
in_read_only_image() {
  # shellcheck disable=SC2016 # the inner shell is to expand it
  exec unshare --mount --propagation private sh -euc '
    root=$1 work=$2; shift 2
    mount --bind "$root" "$root"
    mkdir -p "$root/etc/purser"
    mount -t proc proc "$root/proc"; mount -t tmpfs -o mode=1777,size=16m tmpfs "$root/tmp"
    mount --bind "$work/data" "$root/data"; mount --bind "$work/purser" "$root/etc/purser"
    mount -o remount,bind,ro "$root"; mount -o remount,bind,ro "$root/etc/purser"
    exec chroot "$root" setpriv --reuid 65532 --regid 65532 --clear-groups --bounding-set -all --no-new-privs \
      sh -c "cd /app && exec env -i \"\$@\"" sh "$@"' sh "$root" "$work" "${environment[@]}" "${settings[@]}" "$@"
}
livez() {
  node -e "
    const until = Date.now() + 20000
    const ask = () => fetch('http://127.0.0.1:$port/livez', { signal: AbortSignal.timeout(2000) }).then(
      (answer) => process.exit(answer.status === 200 ? 0 : 1),
      () => (Date.now() < until ? setTimeout(ask, 200) : process.exit(1)))
    ask()" || { tail -n 40 "$work/server.log"; return 1; }
}
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
# Sends SIGTERM to the program; succeeds if what was started then ends with exit code 0 within 5 s.
ends_cleanly() {
  local code=0
  kill -TERM "$1"
  for _ in $(seq 50); do kill -0 "$server" 2>/dev/null || break; sleep 0.1; done
  if kill -0 "$server" 2>/dev/null; then kill -KILL "$1" || true; say 'still there after 5 s'; fi
  wait "$server" || code=$?
  server=
  [ "$code" = 0 ] || { tail -n 20 "$work/server.log"; say "exit code $code"; return 1; }
}

in_image "${command[@]}" > "$work/server.log" 2>&1 & server=$!
check "started as the image says, it answers 200 on /livez" livez
program=$(family "$server" | tail -n 1)
check 'it runs as uid and gid 65532' \
  same "$(status_of "$program" Uid | cut -f1) $(status_of "$program" Gid | cut -f1)" '65532 65532'
check "the image's health check finds it healthy" same "$( (in_image "${health[@]}") > "$work/health.log" 2>&1; echo $?)" 0
check 'SIGTERM ends it with exit code 0 within 5 s' ends_cleanly "$program"
check "the image's health check finds it dead" same "$( (in_image "${health[@]}") > "$work/health.log" 2>&1; echo $?)" 1

writes='for (const folder of ["/", "/app", "/app/build", "/etc", "/usr/local/bin", "/var/tmp", "/data", "/tmp"])
  try { require("fs").writeFileSync(folder + "/.written", ""); console.log(folder) } catch {}'
check 'with a read-only root, only /data and /tmp can be written' \
  same "$( (in_read_only_image node -e "$writes") | tr '\n' ' ')" '/data /tmp '
in_read_only_image "${command[@]}" > "$work/server.log" 2>&1 & server=$!
check 'with a read-only root and no capability, it answers 200 on /livez' livez
check 'it then has no capability and can gain none' \
  same "$(status_of "$server" CapEff) $(status_of "$server" CapBnd) $(status_of "$server" NoNewPrivs)" '0000000000000000 0000000000000000 1'
check 'there too SIGTERM ends it with exit code 0 within 5 s' ends_cleanly "$server"

# As the generator of keys that it stands in for: the key alone on standard output.
mapfile -t entrypoint < <(config c.Entrypoint)
settings=("AURA_ENCRYPTION_KEY=$(random 16)")
check 'with flags alone it issues an API key, under the encryption key that AURA_ENCRYPTION_KEY holds' \
  same "$( (in_read_only_image "${entrypoint[@]}" -v 8.3.0 -s aura-services -a kernel -m rw) 2> "$work/key.log" |
    grep -Ec '^purser_pro_[A-Za-z0-9_.-]+$')" 1

megabytes() { du -sm -- "$@" | sort -rn; }
say "# the program is $(megabytes "$root/app" | cut -f1) MB beside $(megabytes "$root/usr/local" | cut -f1) MB of Node and a Debian; its largest:"
(cd "$root/app/node_modules" && megabytes [!@]* @*/* | sed -n '1,6s/^/#   /p')
say "$passed passed, 0 failed"
