# shellcheck shell=bash
# Installing Debian packages without starting any service; sourced by ./demo, ./check and the lab.

# install_packages PACKAGE...: those that are missing; needs root. Output only where it fails.
install_packages()
{
	local p missing=() log rc=0
	for p; do
		dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q ' installed$' || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "installing ${missing[*]}"
	log=$(mktemp)
	apt_without_services "${missing[@]}" >"$log" 2>&1 </dev/null || rc=$?
	[ $rc = 0 ] || tail -n 30 "$log" >&2
	rm -f "$log"
	return $rc
}

# In a subshell, so that its trap is its own: policy-rc.d forbids the packages' scripts to start daemons.
apt_without_services()
(
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap 'rm -f "$policy"' EXIT
		trap 'exit 130' INT TERM HUP
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt=(apt-get -q -o DPkg::Lock::Timeout=300)
	"${apt[@]}" install -y --no-install-recommends "$@" && exit 0
	# a fresh machine has no package lists yet, an old one stale ones
	"${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"
)
