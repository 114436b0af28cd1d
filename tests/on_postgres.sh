#!/bin/sh
# Run the given command against a throw-away PostgreSQL that listens on a socket only.
set -eu
BIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$BIN" ] || { echo "PostgreSQL's server is missing. Install it: apt install postgresql" >&2; exit 1; }
D=$(mktemp -d /tmp/mspg.XXXXXX)
mkdir "$D/s"
run() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  chown -R postgres "$D"; chmod 755 "$D"
  run() { runuser -u postgres -- "$@"; }
fi
cleanup() { run "$BIN/pg_ctl" -D "$D/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$D"; }
trap cleanup EXIT INT TERM
run "$BIN/initdb" -D "$D/data" -A trust -U mediscan --no-sync >/dev/null
run "$BIN/pg_ctl" -D "$D/data" -w -l "$D/log" \
  -o "-c listen_addresses='' -c unix_socket_directories=$D/s -c fsync=off -c max_connections=60" start >/dev/null
run "$BIN/createdb" -h "$D/s" -U mediscan mediscan
DATABASE_URL="postgres://mediscan@/mediscan?host=$D/s" "$@"
