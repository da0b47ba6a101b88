# Installs what a script needs on Debian 12, and only what is missing. Sourced by tools/test, quickstart, bench and
# apm-doctor.

build_packages=(g++ cmake ninja-build pkg-config ccache python3 catch2 libbenchmark-dev libboost1.81-dev libfmt-dev
                libmicrohttpd-dev zlib1g-dev prometheus-cpp-dev libprotozero-dev libcurl4-openssl-dev)
# Without these, some tests are skipped and listed. (clang-22 comes from bookworm-security.)
test_packages=(valgrind clang-14 libclang-rt-14-dev clang-22 libclang-rt-22-dev lld lld-22 locales curl
               prometheus prometheus-pushgateway python3-prometheus-client)
# Another tracer, for tools/bench to compare with.
bench_packages=(liblttng-ust-dev lttng-tools)

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

missing() {  # missing <package>...: prints those that are not installed
    local package
    for package; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || say "$package"
    done
}

as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else return 1
    fi
}

# The Debian packages of servers start them at once, on ports that other programs may use. policy-rc.d forbids it; we put
# one there for the time of the installation, unless the machine (a container, say) has its own.
apt_install() (
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod 755 "$policy"
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$apt_log" 2>&1
)

# need <package>...: installs what is missing, or ends the script with one clear line. Where everything is there, apt is not
# called. want is the same for packages one can do without: it says what is left out, and goes on.
need() {
    local absent
    mapfile -t absent < <(missing "$@")
    [[ ${#absent[@]} -gt 0 ]] || return 0
    install_now "${absent[@]}" || die "cannot install ${absent[*]} ($reason). As root: apt-get install ${absent[*]}"
}

want() {
    local absent package
    mapfile -t absent < <(missing "$@")
    [[ ${#absent[@]} -gt 0 ]] || return 0
    install_now "${absent[@]}" && return 0
    # All or nothing is apt's way; one by one, the others still arrive.
    for package in "${absent[@]}"; do
        install_now "$package" || say "left out: $package ($reason)"
    done
}

install_now() {  # sets $reason when it fails
    command -v apt-get >/dev/null || { reason="no apt-get on this machine"; return 1; }
    as_root true 2>/dev/null || { reason="neither root nor sudo"; return 1; }
    apt_log=$(mktemp)
    if [[ -z ${apt_updated-} ]]; then
        say "apt-get update"
        as_root apt-get update -q >"$apt_log" 2>&1 || say "  failed, going on with the lists there are: $(tail -n1 "$apt_log")"
        apt_updated=yes
    fi
    say "installing $*"
    apt_install "$@" && { rm -f "$apt_log"; return 0; }
    reason=$(grep -m1 '^E:' "$apt_log" || tail -n1 "$apt_log")
    rm -f "$apt_log"
    return 1
}
