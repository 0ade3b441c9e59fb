# shellcheck shell=bash
# Common parts of the test scripts that run real programs: TAP output, processes, network namespaces, waits.
# Sourced (bash). A script looks so:
#
#	. "$(dirname "$0")/../lib.sh"
#	bounded 120 "$@"                 # all of it ends after 120 s at the latest
#	needs_netns                      # or: all is skipped, with the reason
#	ns server; ns client; wire ...   # namespaces and links
#	t 'a sentence that is now proven' function arguments...
#	done_testing
#
# A test is a function or command: status 0 is "ok"; what it printed is shown if not. It runs in the script's own
# shell, where `set -e` has no effect: chain steps with && or `|| return`. Waits are for conditions, with limits.
# Only processes that the script started are ended, by pid; namespaces carry the script's pid in their name and
# go at the end, also on ^C. TEST_KEEP=DIR keeps the logs and captures.

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$TESTS")
GREYLINE=${GREYLINE:-$ROOT/build/greyline}
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C
declare -A PID=() LOG_LINES=()
declare -a NAMESPACES=() EXTRA_CLEANUP=()
TAP_COUNT=0 TAP_FAILED=0 W='' NSP=gl$$

# bounded SECONDS "$@": runs this script anew under a limit; the TERM at its end reaches the trap, as soon as the
# command that runs then (each has a limit of its own) has ended
bounded()
{
	if [ -z "${TEST_BOUNDED:-}" ]; then
		local limit=$1
		shift
		TEST_BOUNDED=1 exec timeout --foreground -k 150 "$limit" "$0" "$@"
	fi
	unset TEST_BOUNDED
	W=$(mktemp -d "/tmp/greyline-test.XXXXXX")
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'echo "# out of time, or told to end"; exit 143' TERM HUP
}

cleanup()
{
	local rc=$? name n f
	trap '' INT TERM HUP
	for name in "${!PID[@]}"; do
		stop "$name" TERM 5
	done
	for f in "${EXTRA_CLEANUP[@]}"; do
		$f
	done
	for n in "${NAMESPACES[@]}"; do
		ip netns del "$NSP-$n" 2>/dev/null
	done
	if [ -n "${TEST_KEEP:-}" ]; then
		mkdir -p "$TEST_KEEP/${0##*/}"
		cp -r "$W/." "$TEST_KEEP/${0##*/}/"
	fi
	rm -rf "$W"
	exit $rc
}

# ---- TAP

ok()
{
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1"
}

# not_ok NAME [FILE]: FILE is shown
not_ok()
{
	TAP_COUNT=$((TAP_COUNT + 1))
	TAP_FAILED=$((TAP_FAILED + 1))
	echo "not ok $TAP_COUNT - $1"
	[ ! -s "${2:-}" ] || tail -n 40 "$2" | sed 's/^/#   /'
}

skip()
{
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1 # SKIP $2"
}

# t NAME COMMAND...
t()
{
	local name=$1 log=$W/t.log f
	shift
	for f in "$W"/*.err; do
		[ ! -e "$f" ] || LOG_LINES[$f]=$(wc -l <"$f")
	done
	: >"$log"
	if "$@" >>"$log" 2>&1 </dev/null; then # appended to, also by those who open /dev/stderr
		ok "$name"
	else
		not_ok "$name" "$log"
		show_logs
	fi
}

# What our programs said during the failed test, the last of it
show_logs()
{
	local f new
	for f in "$W"/*.err; do
		[ -e "$f" ] || continue
		new=$(tail -n "+$((${LOG_LINES[$f]:-0} + 1))" "$f" | tail -n 15)
		[ -z "$new" ] || { echo "# ${f##*/}:"; cut -c1-300 <<<"$new" | sed 's/^/#   /'; }
	done
}

done_testing()
{
	echo "1..$TAP_COUNT"
	[ $TAP_FAILED = 0 ] || exit 1
	exit 0
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

# ---- what a script needs; else all of it is skipped

needs_command()
{
	local c
	for c; do
		command -v "$c" >/dev/null || skip_all "lacks the command $c"
	done
}

needs_netns()
{
	[ "$(id -u)" = 0 ] || skip_all "lacks root"
	needs_command ip jq ping tcpdump tshark
	[ -x "$GREYLINE" ] || skip_all "lacks the program $GREYLINE"
	ip netns add "$NSP-probe" 2>/dev/null || skip_all "lacks the right to make network namespaces"
	ip netns del "$NSP-probe"
	if ! { : <>/dev/net/tun; } 2>/dev/null; then
		skip_all "lacks /dev/net/tun"
	fi
}

# ---- waits

# wait_for SECONDS COMMAND...: until it succeeds
wait_for()
{
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -gt $end ]; then
			echo "waited in vain for: $*"
			return 1
		fi
		sleep 0.05
	done
}

not()
{
	! "$@"
}

running()
{
	kill -0 "$1" 2>/dev/null && [ "$(ps -o stat= -p "$1" | cut -c1)" != Z ]
}

# ---- processes, by name: output to $W/NAME.out, standard error (the log) to $W/NAME.err

# spawn NAME COMMAND...: COMMAND must exec, not fork, so that the pid is its own
spawn()
{
	local name=$1
	shift
	"$@" >>"$W/$name.out" 2>>"$W/$name.err" </dev/null &
	PID[$name]=$!
}

# stop NAME [SIGNAL [SECONDS]]: and KILL when it does not end; its status is in STATUS
stop()
{
	local pid=${PID[$1]:-}
	[ -n "$pid" ] || return 0
	unset "PID[$1]"
	STATUS=0
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	wait_for "${3:-10}" not running "$pid" || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null || STATUS=$?
}

# ended NAME SECONDS: waits for its own end; status in STATUS
ended()
{
	wait_for "$2" not running "${PID[$1]}" || return 1
	STATUS=0
	wait "${PID[$1]}" 2>/dev/null || STATUS=$?
	unset "PID[$1]"
}

# ends_with NAME SECONDS STATUS
ends_with()
{
	ended "$1" "$2" || return 1
	[ "$STATUS" = "$3" ] || { echo "$1: exit status $STATUS, expected $3"; return 1; }
}

# said NAME REGEX: somewhere on standard output or in the log
said()
{
	cat "$W/$1.out" "$W/$1.err" 2>/dev/null | grep -Eq -- "$2" || { echo "$1 did not say: $2"; return 1; }
}

# Sanitizer reports of any of our processes so far
no_sanitizer_report()
{
	! grep -HE 'runtime error:|ERROR: (Address|Leak)Sanitizer|LeakSanitizer: detected|WARNING: ThreadSanitizer' "$W"/*.err
}

# ---- network namespaces

# ns NAME...
ns()
{
	local n
	for n; do
		ip netns add "$NSP-$n"
		NAMESPACES+=("$n")
		ip -n "$NSP-$n" link set lo up
		mkdir -p "$W/state-$n"
	done
}

# in_ns NAME COMMAND...; as the command of `spawn` use: ip netns exec "$NSP-NAME" ...
in_ns()
{
	local n=$1
	shift
	ip netns exec "$NSP-$n" "$@"
}

# wire NS1 DEV1 ADDR1/LEN NS2 DEV2 ADDR2/LEN: a veth between two namespaces; real checksums, no giant frames
wire()
{
	ip -n "$NSP-$1" link add "$2" type veth peer name "$5" netns "$NSP-$4"
	wire_end "$1" "$2" "$3"
	wire_end "$4" "$5" "$6"
}

wire_end()
{
	in_ns "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null 2>&1
	ip -n "$NSP-$1" addr add "$3" dev "$2"
	ip -n "$NSP-$1" link set "$2" up
}

# capture NAME NS DEV: to $W/NAME.pcap
capture()
{
	rm -f "$W/$1.tcpdump" # what an earlier one said must not be taken for its word
	ip netns exec "$NSP-$2" tcpdump -Z root --immediate-mode -U -n -s 0 -B 16384 -i "$3" -w "$W/$1.pcap" \
		>"$W/$1.tcpdump" 2>&1 </dev/null &
	PID[$1]=$!
	wait_for 10 grep -q 'listening on' "$W/$1.tcpdump"
}

capture_end()
{
	local size=-1
	# until nothing more comes
	while [ "$(stat -c %s "$W/$1.pcap")" != "$size" ]; do
		size=$(stat -c %s "$W/$1.pcap")
		sleep 0.2
	done
	stop "$1"
}

# ---- greyline

# server NAME NS ARGUMENTS...: until it is ready; its control socket is $W/NAME.sock
server()
{
	spawn_server "$@" && wait_ready "$1"
}

spawn_server()
{
	local name=$1 n=$2
	shift 2
	stop "$name" # left by a test that failed
	: >"$W/$name.out"
	spawn "$name" ip netns exec "$NSP-$n" env GREYLINE_STATE="$W/state-$n" \
		"$GREYLINE" server --control "$W/$name.sock" "$@"
}

wait_ready()
{
	wait_for 15 eval "grep -q ^ready $W/$1.out || not running ${PID[$1]}" && grep '^ready' "$W/$1.out"
}

# client NAME NS SERVER ARGUMENTS...: in the background; PASSWORD or $GREYLINE_PASSWORD
client()
{
	local name=$1 n=$2
	shift 2
	stop "$name" # left by a test that failed
	: >"$W/$name.out"
	spawn "$name" ip netns exec "$NSP-$n" env GREYLINE_STATE="$W/state-$n" \
		GREYLINE_PASSWORD="${PASSWORD:-wonderland}" \
		"$GREYLINE" connect --control "$W/$name.sock" --json "$@"
}

# events NAME EVENT: how many so far
events()
{
	jq -r --arg e "$2" 'select(.event == $e) | .event' "$W/$1.out" 2>/dev/null | wc -l
}

# connected NAME SECONDS [N]: until it has connected (for the Nth time)
connected()
{
	wait_for "$2" eval "has_events $1 connected ${3:-1} || not running ${PID[$1]}" &&
		has_events "$1" connected "${3:-1}"
}

has_events()
{
	[ "$(events "$1" "$2")" -ge "$3" ]
}

# event NAME EVENT FIELD: of the last such event
event()
{
	jq -r --arg e "$2" --arg f "$3" 'select(.event == $e) | .[$f]' "$W/$1.out" | tail -n 1
}

# ctl NAME ARGUMENTS...
ctl()
{
	local name=$1
	shift
	timeout 10 "$GREYLINE" ctl --control "$W/$name.sock" "$@"
}

# judge FILTER [jq's arguments]: the JSON value on standard input fulfils FILTER (nothing at all does not)
judge()
{
	local filter=$1
	shift
	jq -s -e "length > 0 and (.[0] | ($filter))" "$@"
}

# sessions NAME N: has exactly N
sessions()
{
	[ "$(ctl "$1" sessions --json | jq length)" = "$2" ]
}

# Packets that the kernel dropped before any namespace saw them: each CPU has one backlog for all devices of the machine,
# which traffic of others fills
backlog_drops()
{
	local line sum=0
	while read -r _ line _; do
		sum=$((sum + 0x$line))
	done </proc/net/softnet_stat
	echo "$sum"
}

# pings NS ADDRESS [ping's arguments]: every one of 3 is answered; once more if the kernel's backlog was full meanwhile
pings()
{
	local n=$1 a=$2 out before try
	shift 2
	for try in 1 2 3; do
		before=$(backlog_drops)
		out=$(in_ns "$n" ping -n -c 3 -i 0.2 -W 2 "$@" "$a")
		if grep -E '3 (packets )?received' <<<"$out"; then
			return
		fi
		[ "$(backlog_drops)" != "$before" ] || break
		echo "# try $try: the kernel's backlog was full"
	done
	echo "$out"
	return 1
}

# steady_ping NAME NS ADDRESS: in the background; steady_ping_ok NAME ends it: nothing was lost
steady_ping()
{
	spawn "$1" ip netns exec "$NSP-$2" ping -n -i 0.1 -W 2 "$3"
	wait_for 5 grep -q 'bytes from' "$W/$1.out"
}

steady_ping_ok()
{
	stop "$1" INT
	tail -n 2 "$W/$1.out"
	# the last one may still have been under way
	awk '/packets transmitted/ { found = 1; bad = $1 - $4 > 1 } END { exit !found || bad }' "$W/$1.out"
}

# ---- the usual network: namespaces server (192.0.2.1) and client (192.0.2.2), one wire

# shellcheck disable=SC2034 # of the scripts
SERVER_OUTER=192.0.2.1 CLIENT_OUTER=192.0.2.2 SERVER_INNER=10.98.0.1
# shellcheck disable=SC2034
ACCOUNT=(--user alice:wonderland)
# shellcheck disable=SC2034
POOL=(--local 10.98.0.1 --pool 10.98.0.0/24)
# shellcheck disable=SC2034
CALL=("$SERVER_OUTER" --user alice --set log-level=info)

pair()
{
	ns server client
	wire server up0 $SERVER_OUTER/24 client up0 $CLIENT_OUTER/24
}

# nothing_left NS NAME...: no tunnel device, no route of ours, no state file; the named processes have ended
nothing_left()
{
	local n=$1 name
	shift
	for name; do
		[ -z "${PID[$name]:-}" ] || { echo "$name still runs"; return 1; }
		[ ! -e "$W/$name.sock" ] || { echo "the control socket of $name is left"; return 1; }
	done
	! ip -n "$NSP-$n" -o link show type tun | grep . &&
		! ip -n "$NSP-$n" route show | grep -E 'grey|tun|10\.98\.' &&
		! find "$W/state-$n" -type f | grep .
}
