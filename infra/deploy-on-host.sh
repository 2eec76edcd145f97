#!/bin/sh
# What infra/deploy does on a host, with compose or with systemd by what runs there. Decisions 0128 and 0137.
set -eu
umask 022

KEPT_VERSIONS=3
READY_SECONDS=30
action=$1 service=${2:-} commit=${3:-} new_env=${4:-}
compose_file='' is_new='' failed=''

say() { printf '%s\n' "$*"; }
stop() {
    printf 'deploy: %s\n' "$1" >&2
    exit 1
}

# What runs here: containers of the compose project "ava", or units.
kind() {
    if command -v docker >/dev/null 2>&1; then
        compose_file=$(docker ps -a --filter label=com.docker.compose.project=ava \
            --format '{{.Label "com.docker.compose.project.config_files"}}' 2>/dev/null | head -n 1)
        case $compose_file in *,*)
            stop "the containers were started from several files ($compose_file), of which this command knows one." ;;
        esac
        [ -z "$compose_file" ] || { kind=compose; return 0; }
    fi
    if [ -d /etc/ava ] && command -v systemctl >/dev/null 2>&1; then
        kind=systemd
        return 0
    fi
    stop "this host runs neither Ava's containers nor its units. Start with infra/README.md, section 2."
}

# One deployment at a time; the lock ends with this process. A lost connection ends it like a failure, so that
# what is undone then is undone.
lock() {
    trap 'exit 1' HUP INT PIPE TERM
    exec 9>/run/ava-deploy.lock
    flock -n 9 || stop "another deployment is running on this host. Wait for it to end."
}

variable() { printf '%s_VERSION' "$(printf %s "$service" | tr 'a-z-' 'A-Z_')"; }

# --- Compose ---

compose() { docker compose -f "$compose_file" "$@"; }
services_folder() { CDPATH='' cd -- "$(dirname -- "$compose_file")/../services/$service" && pwd -P; }
copies() { docker ps -q --no-trunc --filter label=com.docker.compose.project=ava \
    --filter "label=com.docker.compose.service=$service" --filter label=com.docker.compose.oneoff=False; }

stopped_copies() { docker ps -aq --no-trunc --filter label=com.docker.compose.project=ava \
    --filter "label=com.docker.compose.service=$service" --filter label=com.docker.compose.oneoff=False \
    --filter status=created --filter status=exited --filter status=dead; }

# new_copies OLD…: those that run and are not among these.
new_copies() {
    for each in $(copies); do
        case " $* " in *" $each "*) ;; *) printf '%s\n' "$each" ;; esac
    done
}

check_engine() {
    engine=$(docker version -f '{{.Server.Version}}')
    [ "${engine%%.*}" -ge 25 ] || stop "Docker Engine is $engine; Ava needs 25 or newer."
    version=$(docker compose version --short | tr -d v)
    major=${version%%.*} minor=${version#*.}
    [ "$major" -gt 2 ] || [ "${minor%%.*}" -ge 24 ] || stop "Docker Compose is $version; Ava needs 2.24 or newer."
}

# wait_healthy CONTAINER: until it is healthy; fails at once when it stops or restarts.
wait_healthy() {
    until=$(($(date +%s) + READY_SECONDS))
    while [ "$(date +%s)" -le "$until" ]; do
        state=$(docker inspect -f '{{.State.Status}} {{.RestartCount}} {{.State.Health.Status}}' "$1")
        case $state in
            "running 0 healthy") return 0 ;;
            "running 0 starting") ;;
            *) return 1 ;;
        esac
        sleep 0.2
    done
    return 1
}

discard() { docker rm -f "$@" >/dev/null 2>&1 || true; }

# The .env that a version ran with is kept beside it, so that going back brings it back too.
kept_env() { printf '%s/%s.env' "$(services_folder)" "$commit"; }
use_env_of_then() {
    folder=$(services_folder)
    cp -p "$folder/.env" "$folder/before.env"
    trap use_env_of_before EXIT
    if [ -z "$new_env" ] && [ -f "$(kept_env)" ]; then
        cmp -s "$folder/.env" "$(kept_env)" || say "its .env comes back as it was with $commit (the present one: before.env)"
        cat "$(kept_env)" >"$folder/.env"
    fi
}
# shellcheck disable=SC2329 # by a trap
use_env_of_before() {
    folder=$(services_folder)
    [ ! -f "$folder/before.env" ] || { cat "$folder/before.env" >"$folder/.env" && rm -f "$folder/before.env"; }
}

compose_deploy() {
    check_engine
    image=ava-$service:$commit
    if ! docker image inspect "$image" >/dev/null 2>&1; then
        is_new=yes
        say "building $image …"
        docker build -q -t "$image" -f "services/$service/Dockerfile" - <"$(archive)" >/dev/null 2>&1 ||
            stop "building $image failed. Its output: docker build -f services/$service/Dockerfile - <$(archive)"
    fi
    rm -f "$(archive)"
    export "$(variable)=$commit"
    use_env_of_then
    old=$(copies)

    say "trying $image where no request reaches it …"
    docker rm -f "ava-$service-trial" >/dev/null 2>&1 || true
    trial=ava-$service-trial
    said=$(compose run -d --no-deps --name "$trial" "$service" 2>&1) || printf '%s\n' "$said" >&2
    if ! wait_healthy "$trial"; then
        docker logs --tail 20 "$trial" >&2 || true
        discard "$trial"
        [ -z "$is_new" ] || docker rmi "$image" >/dev/null 2>&1 || true
        stop "$service $commit did not become ready, so nothing was changed. Its last words are above."
    fi
    docker stop "$trial" >/dev/null
    discard "$trial"

    # One that was stopped would be started again in place of the new one.
    for container in $(stopped_copies); do discard "$container"; done
    # shellcheck disable=SC2086 # one word per container
    set -- $old
    wanted=$(($# > 0 ? $# * 2 : 1))
    say "starting $((wanted - $#)) beside $# …"
    # Not --wait: it asks the old ones too, and a version that is to put them right could not come.
    if ! said=$(compose up -d --no-deps --no-recreate --no-build --scale "$service=$wanted" "$service" 2>&1); then
        printf '%s\n' "$said" >&2
        failed=yes
    fi
    for container in $(new_copies "$@"); do
        [ -n "$failed" ] || wait_healthy "$container" || failed=yes
    done
    if [ -n "$failed" ] || [ -z "$(new_copies "$@")" ]; then
        for container in $(new_copies "$@"); do
            docker logs --tail 20 "$container" >&2 || true
            discard "$container"
        done
        for container in $(stopped_copies); do discard "$container"; done
        stop "the new copy did not become ready, so $service stays as it was."
    fi
    say "stopping the old …"
    for container in "$@"; do
        docker stop "$container" >/dev/null
        discard "$container"
    done
    remember_version
    cp -p "$(services_folder)/.env" "$(kept_env)"
    trap - EXIT
    # The one of before stays if it is another: it may have what no version ran with yet.
    ! cmp -s "$(services_folder)/before.env" "$(services_folder)/.env" || rm -f "$(services_folder)/before.env"
    compose_prune
    say "$service runs $commit."
}

# For the next `docker compose up`: the version stands in infra/.env.
remember_version() {
    file=$(dirname -- "$compose_file")/.env
    name=$(variable)
    touch "$file"
    { grep -v "^$name=" "$file" || true; printf '%s=%s\n' "$name" "$commit"; } >"$file.new"
    cat "$file.new" >"$file"
    rm -f "$file.new"
}

compose_prune() {
    docker images "ava-$service" --format '{{.Tag}}' | grep -E '^[0-9a-f]{12}$' | grep -v "^$commit$" |
        tail -n "+$KEPT_VERSIONS" | while read -r tag; do
        docker rmi "ava-$service:$tag" >/dev/null 2>&1 || continue
        rm -f "$(services_folder)/$tag.env"
    done
}

compose_status() {
    for service in auth profile messaging whatsapp-gateway; do
        for container in $(copies); do
            docker inspect -f "$service {{.Config.Image}} {{.State.Health.Status}} restarts={{.RestartCount}} since={{.State.StartedAt}}" "$container"
        done
        say "$service kept: $(docker images "ava-$service" --format '{{.Tag}}' | tr '\n' ' ')"
    done
}

# --- systemd ---

home() { printf '/opt/ava/%s' "$service"; }
unit() { printf 'ava-%s@%s.service' "$service" "$1"; }

# Which of the two copies runs: 1, 2, "legacy" (the unit of release 0.1.0) or nothing.
running() {
    for copy in 1 2; do
        ! systemctl is-active -q "$(unit "$copy")" || { printf %s "$copy"; return 0; }
    done
    ! systemctl is-active -q "ava-$service.service" || printf legacy
}

install_version() {
    target=$(home)/$commit
    if [ ! -f "$target/complete" ]; then
        is_new=yes
        say "installing $target …"
        rm -rf "$target"
        mkdir -p "$target/app" "$target/source"
        tar -C "$target/source" -xf "$(archive)"
        cp "$target/source/services/$service/requirements.lock" "$target/"
        install_packages
        cp -R "$target/source/libs/common/src/." "$target/source/services/$service/src/." "$target/app/"
        "$target/venv/bin/python" -m compileall -q "$target/app"
        cp "$target/source/infra/systemd/ava-$service@.service" "$target/source/infra/systemd/wait-ready.py" "$target/"
        rm -rf "$target/source"
        install -m 600 "/etc/ava/$service.env" "$target/service.env"
        touch "$target/complete"
    elif [ -n "$new_env" ]; then
        # The version may be the one that runs, and starts with this file after a reboot.
        cp -p "$target/service.env" "$target/before.env"
        trap env_of_before_comes_back EXIT
        install -m 600 "/etc/ava/$service.env" "$target/service.env"
    elif ! cmp -s "/etc/ava/$service.env" "$target/service.env"; then
        say "its .env comes back as it was with $commit; /etc/ava/$service.env differs (--new-env takes that)"
    fi
    rm -f "$(archive)"
}

# shellcheck disable=SC2329 # by a trap
env_of_before_comes_back() {
    [ ! -f "$target/before.env" ] || mv "$target/before.env" "$target/service.env"
}

# A version with the same lock file has the same packages: they are linked, which takes no time and no space.
install_packages() {
    for other in $(installed_versions); do
        if cmp -s "$other/requirements.lock" "$target/requirements.lock" &&
            "$other/venv/bin/python" -c 'import uvicorn' 2>/dev/null; then # not after the system's Python changed
            cp -al "$other/venv" "$target/venv"
            return 0
        fi
    done
    python3 -m venv "$target/venv"
    "$target/venv/bin/pip" install -q --disable-pip-version-check --require-hashes --no-deps \
        -r "$target/requirements.lock"
}

# start_copy N: a unit file, a link and an environment of its own; ready on return. It may run already, or be
# tried again for ever: what an interrupted deployment left there is not the version that is meant.
start_copy() {
    ln -sfn "$commit" "$(home)/$1"
    cp "$(home)/$commit/ava-$service@.service" "/etc/systemd/system/$(unit "$1")"
    systemctl daemon-reload
    systemctl reset-failed "$(unit "$1")" 2>/dev/null || true
    systemctl restart "$(unit "$1")" 2>/dev/null
}

# What a copy said last, and nothing of it left.
discard_copy() {
    journalctl -u "$(unit "$1")" -n 20 --no-pager -o cat >&2 || true
    remove_copy "$1"
}

remove_copy() {
    systemctl disable -q --now "$(unit "$1")" 2>/dev/null || true
    systemctl reset-failed "$(unit "$1")" 2>/dev/null || true
    rm -f "/etc/systemd/system/$(unit "$1")" "$(home)/$1"
    systemctl daemon-reload
}

systemd_deploy() {
    [ -f "/etc/ava/$service.env" ] || stop "/etc/ava/$service.env is missing. Write it first: infra/README.md, section 2b."
    command -v python3 >/dev/null || stop "python3 is missing. Debian: apt-get install python3-venv"
    for address in 127.0.0.1 127.0.0.2; do
        [ -z "$(tail -c 1 /etc/hosts)" ] || echo >>/etc/hosts
        grep -q "^$address ava-host\$" /etc/hosts || printf '%s ava-host\n' "$address" >>/etc/hosts
    done
    install_version
    old=$(running)

    say "trying $commit where no request reaches it …"
    if ! start_copy 3; then
        discard_copy 3
        [ -z "$is_new" ] || rm -rf "/opt/ava/${service:?}/${commit:?}"
        stop "$service $commit did not become ready, so nothing was changed. Its last words are above."
    fi
    remove_copy 3

    case $old in 1 | legacy) new=2 ;; *) new=1 ;; esac
    say "starting copy $new …"
    if ! start_copy "$new"; then
        discard_copy "$new"
        stop "the new copy did not become ready, so $service stays as it was."
    fi
    systemctl enable -q "$(unit "$new")"
    # Also one that does not run: ava-again.timer would start it beside this one.
    other=$((3 - new))
    [ ! -L "$(home)/$other" ] || { say "stopping copy $other …"; remove_copy "$other"; }
    if [ "$old" = legacy ] || systemctl is-enabled -q "ava-$service.service" 2>/dev/null; then
        say "stopping ava-$service.service …"
        systemctl disable -q --now "ava-$service.service"
    fi
    rm -f "$(home)/$commit/before.env"
    trap - EXIT
    systemd_prune
    say "$service runs $commit."
}

systemd_prune() {
    installed_versions | grep -v "/$commit$" | tail -n "+$KEPT_VERSIONS" | xargs -r rm -rf
}

# The folders of what is installed, newest first; not the links to those that run.
installed_versions() {
    # shellcheck disable=SC2012 # names are hexadecimal
    ls -1td "$(home)"/????????????*/complete 2>/dev/null | sed 's|/complete$||'
}

systemd_status() {
    for service in auth profile messaging whatsapp-gateway; do
        for copy in 1 2; do
            [ -L "$(home)/$copy" ] || continue
            say "$service $(readlink "$(home)/$copy") $(systemctl is-active "$(unit "$copy")" || true)" \
                "restarts=$(systemctl show -p NRestarts --value "$(unit "$copy")")" \
                "since=$(systemctl show -p ActiveEnterTimestamp --value "$(unit "$copy")")"
        done
        say "$service kept: $(installed_versions | sed 's|.*/||' | tr '\n' ' ')"
    done
}

# --- What infra/deploy asks for ---

archive() { printf '/run/ava-%s-%s.tar' "$service" "$commit"; }
is_installed() {
    case $kind in
        compose) docker image inspect "ava-$service:$commit" >/dev/null 2>&1 ;;
        systemd) [ -f "$(home)/$commit/complete" ] ;;
    esac
}

plan() {
    say "host: $kind"
    if is_installed; then say "installed already: $service $commit"; else say "would install $service $commit"; fi
    case $kind in
        compose) say "would try it alone, start it beside $(copies | wc -l) running, wait until it is ready, stop the old" ;;
        systemd) say "would try it as copy 3, start it beside copy $(running), wait until it is ready, stop the old" ;;
    esac
}

main() {
    [ "$(id -u)" = 0 ] || [ "$action" = status ] || stop "deploying needs root on the host."
    kind
    case $action in
        status) say "host: $kind"; if [ "$kind" = compose ]; then compose_status; else systemd_status; fi ;;
        plan) plan ;;
        incoming) if is_installed; then say installed; else archive; fi ;;
        deploy) lock; if [ "$kind" = compose ]; then compose_deploy; else systemd_deploy; fi ;;
        *) stop "there is no action $action." ;;
    esac
}

# Over ssh this file is the shell's own input: nothing may read on in it.
main </dev/null
exit
