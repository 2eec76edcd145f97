#!/bin/sh
# Saves and restores what Ava keeps in its database: accounts with their passwords, avatars, messages, the queue.
#   backup.sh save FILE [FILE_TO_KEEP…]       env files and the like go into the same private file
#   backup.sh restore [OPTION…] FILE          into a database that has this release's migrations
#     --overwrite   also when there are accounts: they are replaced
#     --passwords   give the services' roles the passwords in the saved env files
#     --resume      the gateway stood still since the backup: go on with what was waiting
#   backup.sh drill FILE                      restores into DRILL_DATABASE_URL, and compares every row
# ADMIN_DATABASE_URL names the database and logs in as its administrator. Decision 0134; infra/README.md, section 7.
set -eu
umask 077

SCHEMAS="auth public accounts profile messaging whatsapp"
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)

stop() {
    printf 'backup: %s\n' "$1" >&2
    exit 1
}

ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1" "$ADMIN_DATABASE_URL"; }

need_database() {
    [ -n "${ADMIN_DATABASE_URL:-}" ] || stop "set ADMIN_DATABASE_URL to the login URL of the database's administrator."
}

migrations() { ask "select version from supabase_migrations.schema_migrations order by version"; }

# Supabase Auth keeps its own history of migrations in its schema; that is not ours to save.
dump() {
    set --
    for schema in $SCHEMAS; do set -- "$@" "--schema=$schema"; done
    pg_dump --format=custom --data-only --no-owner --exclude-table=auth.schema_migrations "$@" \
        --file="$WORK/database.dump" "$ADMIN_DATABASE_URL"
}

save() {
    need_database
    [ "$#" -ge 1 ] || stop "say where to: backup save FILE [FILE_TO_KEEP…]"
    file=$1
    shift
    [ ! -e "$file" ] || stop "$file exists already."
    migrations >"$WORK/migrations"
    dump
    [ "$#" = 0 ] || set -- -C "$(pwd -P)" "$@"
    tar -cf "$file.partial" -C "$WORK" database.dump migrations "$@" 2>"$WORK/tar" ||
        { cat "$WORK/tar" >&2 && rm -f "$file.partial" && exit 1; }
    mv "$file.partial" "$file"
}

unpack() {
    [ -f "$1" ] || stop "there is no file $1."
    tar -xf "$1" -C "$WORK" database.dump migrations 2>/dev/null || stop "$1 was not made by backup save."
    pg_restore --data-only --no-owner --file=- "$WORK/database.dump" |
        sed '1,30{/^SET transaction_timeout/d;}' >"$WORK/data.sql" # servers before 17 do not know it
    grep -q 'dump complete' "$WORK/data.sql" || stop "$1 is not complete."
}

need_same_migrations() {
    migrations >"$WORK/here"
    cmp -s "$WORK/migrations" "$WORK/here" && return 0
    stop "this database has other migrations than the backup (last: $(tail -n 1 "$WORK/here"), in the backup: \
$(tail -n 1 "$WORK/migrations")). Restore with the release that made the backup, and upgrade afterwards."
}

load() {
    cat <<SQL
begin;
-- No triggers: what they write is in the backup.
set local session_replication_role = replica;
do \$\$ declare v_table text; begin
  execute (select 'truncate ' || string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables
    where schemaname <> 'auth' and schemaname = any (string_to_array('$SCHEMAS', ' ')));
  -- Not ours: we may change its rows and need no other right.
  for v_table in select tablename from pg_tables where schemaname = 'auth' and tablename <> 'schema_migrations' loop
    execute format('delete from auth.%I', v_table);
  end loop;
end \$\$;
SQL
    cat "$WORK/data.sql"
    [ -n "$resume" ] || cat "$HERE/set-aside.sql"
    echo "commit;"
}

restore() {
    need_database
    overwrite='' passwords='' resume=''
    while [ "$#" -gt 1 ]; do
        case $1 in
        --overwrite) overwrite=yes ;;
        --passwords) passwords=yes ;;
        --resume) resume=yes ;;
        *) stop "unknown option $1." ;;
        esac
        shift
    done
    [ "$#" = 1 ] || stop "say what: backup restore [--overwrite] [--passwords] [--resume] FILE"
    unpack "$1"
    need_same_migrations
    [ -n "$overwrite" ] || [ "$(ask 'select count(*) from auth.users')" = 0 ] ||
        stop "this database has accounts. To replace them with those of the backup: --overwrite"
    load | psql -X -q -v ON_ERROR_STOP=1 -o "$WORK/output" "$ADMIN_DATABASE_URL"
    [ -z "$passwords" ] || set_passwords "$1"
}

# Supabase's own backups do not hold the passwords of our roles; the saved env files do.
set_passwords() {
    mkdir "$WORK/files"
    tar -xf "$1" -C "$WORK/files"
    find "$WORK/files" -name '*.env' -exec sed -n \
        "s|^[A-Z_]*DATABASE_URL=['\"]\{0,1\}postgres[a-z]*://\(ava_[a-z_]*\)[^:]*:\([^@]*\)@.*|\1 \2|p" {} + | sort -u >"$WORK/logins"
    [ -s "$WORK/logins" ] || stop "there is no env file with a DATABASE_URL in $1."
    while read -r role password; do
        case $password in
        *[!A-Za-z0-9_.~-]*) stop "the password of $role has characters that are escaped in its URL: set it by hand." ;;
        esac
        printf "alter role %s password '%s';\n" "$role" "$password"
    done <"$WORK/logins" >"$WORK/passwords.sql"
    psql -X -q -v ON_ERROR_STOP=1 -f "$WORK/passwords.sql" "$ADMIN_DATABASE_URL"
    cut -d ' ' -f 1 "$WORK/logins" | sed 's/^/password set: /'
}

# The words of a dump but not its comments and random marks.
rows() { pg_restore --data-only --no-owner --file=- "$WORK/database.dump" | grep -v '^--\|^\\restrict\|^\\unrestrict\|^SET ' | LC_ALL=C sort; }

drill() {
    [ -n "${DRILL_DATABASE_URL:-}" ] || stop "set DRILL_DATABASE_URL to an empty database with this release's migrations."
    [ "$#" = 1 ] || stop "say which: backup drill FILE"
    ADMIN_DATABASE_URL=$DRILL_DATABASE_URL
    began=$(date +%s)
    restore --resume "$1"
    took=$(($(date +%s) - began))
    rows | cksum >"$WORK/before"
    dump
    rows | cksum >"$WORK/after"
    cmp -s "$WORK/before" "$WORK/after" || stop "what was restored is not what was saved."
    awk '/^COPY /{table=$2; rows[table]=0; reading=1; next} /^\\\.$/{reading=0} reading{rows[table]++}
        END{for (table in rows) if (rows[table]) printf "%10d rows  %s\n", rows[table], table}' "$WORK/data.sql" | sort -k 3
    printf '%s restored in %s s; every row is as it was saved.\n' "$1" "$took"
}

command=${1:-}
[ "$#" = 0 ] || shift
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' HUP INT PIPE TERM # dash would leave the dump behind
case $command in
save | restore | drill) "$command" "$@" ;;
*) stop "say what: backup save, backup restore or backup drill" ;;
esac
