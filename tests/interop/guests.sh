# shellcheck shell=bash
# A lab with a real server and a real client in guests, for the scripts here; sourced after lib.sh:
#
#	needs_guests
#	boot_guests           # or: all is skipped, with the reason
# shellcheck source=lab/lib.sh
. "$TESTS/interop/lab/lib.sh"
LAB=$NSP # so that in_ns dut is the lab's netns of the device under test

needs_guests()
{
	needs_netns
	needs_command linux.uml pptpd pptp pppd gcc python3 ethtool
	EXTRA_CLEANUP+=(lab_gone)
}

lab_gone()
{
	lab_down "$LAB" >/dev/null 2>&1
}

# guest NAME 'SHELL COMMAND' [SECONDS]
guest()
{
	guest_exec "$LAB" "$1" "${3:-30}" "$2"
}

# boot NAME ADDRESS: a guest that only serves requests; what is in $CERTS goes with it
boot()
{
	local s
	guest_prepare "$LAB" "$1"
	s=$(guest_share "$LAB" "$1")
	cp "$TESTS/transfer" "$s/"
	[ -z "${CERTS:-}" ] || cp -r "$CERTS" "$s/certs"
	# shellcheck disable=SC2034 # by name: write_env
	SERVER=$DUT_IP PINGS=0 ROUNDS=0 HOLD=0 DIAL=20 PPTP_OPTS='' PPTPD_CONF='' UNATTENDED=1 MPPE=128
	write_env "$s/env" SERVER PINGS ROUNDS HOLD DIAL PPTP_OPTS PPTPD_CONF UNATTENDED
	echo ". ./guest/$1" >"$s/cmd"
	guest_start "$LAB" "$1" "$2/24" 1200
}

booted()
{
	guest_wait "$LAB" "$1" ready 60 || { guest_dump "$LAB" "$1" ../console out syslog; return 1; }
}

boot_guests()
{
	mkdir -p "$W/state-dut"
	lab_up "$LAB" >"$W/lab.log" 2>&1 || { head -n 3 "$W/lab.log" >&2; skip_all "lacks what a lab needs"; }
	boot server "$SERVER_IP"
	boot client "$CLIENT_IP"
	# A machine that cannot run user-mode-linux at all (no ptrace, no POSIX shared memory) lacks something;
	# a guest that boots and then fails is a failure.
	if ! guest_wait "$LAB" server boot 60; then
		guest_dump "$LAB" server ../console
		skip_all "lacks the ability to boot a user-mode-linux guest"
	fi
	t 'the guest with the real server is ready' booted server
	t 'the guest with the real client is ready' booted client
}

# ---- our client, the real server

REAL_SERVER_INNER=10.98.0.1

# real_server NAME=VALUE...: the options of the next call's pppd
real_server()
{
	guest server "set -- $*; . /run/share/guest/server-lib.sh; server_options"
}

# The real server may still be setting its end up when it has agreed to everything
first_ping()
{
	wait_for 10 in_ns dut ping -n -c 1 -W 1 "$REAL_SERVER_INNER"
}

# dials PATTERN ARGUMENTS...: with the script's own dial_real=(...), by ${METHOD:-MS-CHAPv2}; the encryption then is like PATTERN
dials()
{
	local pattern=$1
	shift
	# shellcheck disable=SC2154 # the script's own
	client c dut "${dial_real[@]}" "$@" && connected c 20 && first_ping || return
	event c connected encryption
	# shellcheck disable=SC2053 # a pattern
	[[ $(event c connected encryption) == $pattern ]] && [ "$(event c connected auth)" = "${METHOD:-MS-CHAPv2}" ]
}

client_pings_both_ways()
{
	pings dut "$REAL_SERVER_INNER" && pings dut "$REAL_SERVER_INNER" -s 1300 &&
		guest server "ping -n -c 3 -i 0.2 -W 2 $(event c connected local)" | grep '3 received'
}

pppd_gone()
{
	! guest "$1" 'pidof pppd'
}

client_ends()
{
	stop c TERM
	cat "$W/c.out"
	[ "$STATUS" = 0 ] && wait_for 10 pppd_gone server && nothing_left dut c &&
		guest server 'grep "LCP terminated by peer" /run/share/pppd.log && : >/run/share/pppd.log'
}

# ---- our server, the real client

# real_client NAME=VALUE...: dials
real_client()
{
	guest client "set -- $*; . /run/share/guest/client-lib.sh; client_options; dial" 30
}

# answers PATTERN SETTINGS...: the encryption then is like PATTERN
answers()
{
	local pattern=$1
	shift
	real_client "$@" || { guest client 'tail -n 30 /run/share/pppd.log'; return 1; }
	ctl s sessions --json | tee -a /dev/stderr | jq -r '.[0].encryption' >"$W/encryption"
	# shellcheck disable=SC2053 # a pattern
	[[ $(cat "$W/encryption") == $pattern ]] && sessions s 1 &&
		wait_for 10 in_ns dut ping -n -c 1 -W 1 "$(inner_of_client)"
}

inner_of_client()
{
	ctl s sessions --json | jq -r '.[0].address'
}

server_pings_both_ways()
{
	guest client "ping -n -c 3 -i 0.2 -W 2 $SERVER_INNER" | grep '3 received' &&
		pings dut "$(inner_of_client)" && pings dut "$(inner_of_client)" -s 1300
}

real_client_ends()
{
	guest client '. /run/share/guest/client-lib.sh; hangup' && wait_for 10 sessions s 0
}
