#!/bin/sh
# with_postgres.sh CMD…: runs CMD with a private PostgreSQL cluster, whose address is in $RELANCE_TEST_PG. The cluster lives
# in a temporary folder, listens on a unix socket only, and is stopped and removed at the end. Without PostgreSQL's server
# programs CMD runs all the same, with RELANCE_TEST_PG empty and a message that says so. As root the server runs as user postgres.
set -u
bin=
for v in 17 16 15 14 13; do
	[ -x "/usr/lib/postgresql/$v/bin/initdb" ] && { bin=/usr/lib/postgresql/$v/bin; break; }
done
[ -z "$bin" ] && command -v initdb >/dev/null 2>&1 && bin=$(dirname "$(command -v initdb)")
if [ -z "$bin" ]; then
	echo "with_postgres.sh: no PostgreSQL server here (Debian: postgresql-15); its tests are skipped" >&2
	RELANCE_TEST_PG= exec "$@"
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/relance-pg.XXXXXX") || exit 1
as=
if [ "$(id -u)" = 0 ]; then
	chown postgres "$dir" || exit 1
	as="runuser -u postgres --"
fi
stop() {
	(cd / && $as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1)
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP
fail() {
	echo "with_postgres.sh: PostgreSQL did not start:" >&2
	tail -5 "$dir/log" >&2
	exit 1
}
(cd / && $as "$bin/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$dir/init.log" 2>&1) || {
	tail -5 "$dir/init.log" >&2
	exit 1
}
(cd / && $as "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 \
	-o "-c listen_addresses='' -c unix_socket_directories='$dir' -c fsync=off -c full_page_writes=off -c max_connections=100 -c shared_buffers=256MB -c max_wal_size=4GB" \
	start >/dev/null 2>&1) || fail
RELANCE_TEST_PG="postgresql://postgres@/postgres?host=$dir"
export RELANCE_TEST_PG
"$@"
status=$?
exit $status
