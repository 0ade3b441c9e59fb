# shellcheck shell=bash
# Common parts of the doctor's scenarios (doctor, doctor-eap, doctor-capture): the network, faults, captures of one fault out of one
# that runs all the time, and faults that are tried side by side, each with a server address of its own, since most of the time
# is waiting. Sourced, behind ../lib.sh.
#
#	server 192.0.2.1/24 --- router --- client 198.51.100.2/24
#	                          `------- inner 10.77.0.2/24

ROUTER_OUTER=198.51.100.1

doctor_network()
{
	ns server router client inner
	wire server up0 "$SERVER_OUTER"/24 router out0 192.0.2.254/24
	wire router in0 $ROUTER_OUTER/24 client up0 198.51.100.2/24
	wire router in1 10.77.0.1/24 inner up0 10.77.0.2/24
	ip -n "$NSP-server" route add default via 192.0.2.254
	ip -n "$NSP-client" route add default via $ROUTER_OUTER
	ip -n "$NSP-inner" route add default via 10.77.0.1
	in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
}

# serves ARGUMENTS...: the usual server
serves()
{
	stop p
	server s server "${ACCOUNT[@]}" "${POOL[@]}" --listen "$SERVER_OUTER" "$@"
}

# breaks MODE: the broken server, at the same address
breaks()
{
	stop s
	stop p
	broken p "$1" "$SERVER_OUTER"
	is_ready p
}

# broken NAME MODE ADDRESS; and until it is ready
broken()
{
	: >"$W/$1.out"
	spawn "$1" ip netns exec "$NSP-server" "$TESTS/netns/pac" "$2" "$3"
}

is_ready()
{
	wait_for 30 grep -q ready "$W/$1.out"
}

# rules NS HOOK RULE...: a rule of a packet filter there, until cleared
rules()
{
	local n=$1 hook=$2
	shift 2
	in_ns "$n" nft add table ip fault && in_ns "$n" nft add chain ip fault "$hook" \
		"{ type filter hook $hook priority filter; policy accept; }" &&
		in_ns "$n" nft add rule ip fault "$hook" "$*"
}

cleared()
{
	local n rc=0
	for n in server router client inner; do
		in_ns "$n" nft flush ruleset || rc=1
	done
	return "$rc"
}

# with NS HOOK RULE -- COMMAND...: COMMAND while the rule holds
with()
{
	local n=$1 hook=$2 rule=$3 rc=0
	shift 4
	rules "$n" "$hook" "$rule" && "$@" || rc=1
	cleared && [ "$rc" = 0 ]
}

# ---- captures: of each place there is one that runs all the time, PLACE-all, and what was seen since mark() is PLACE

declare -a PLACES=()
declare -A MARKED=()

# watches PLACE NS DEV
watches()
{
	capture "$1-all" "$2" "$3" && PLACES+=("$1")
}

size_of()
{
	stat -c %s "$W/$1-all.pcap"
}

# Until nothing more comes
settled()
{
	local size
	while size=$(size_of "$1"); sleep 0.1; [ "$(size_of "$1")" != "$size" ]; do :; done
}

# mark: from here on
mark()
{
	local place
	for place in "${PLACES[@]}"; do
		settled "$place"
		MARKED[$place]=$(size_of "$place")
	done
}

# slice PLACE: what came since then is in $W/PLACE.pcap
slice()
{
	local place=$1
	settled "$place"
	{
		head -c 24 "$W/$place-all.pcap"
		tail -c "+$((MARKED[$place] + 1))" "$W/$place-all.pcap"
	} >"$W/$place.pcap"
}

# told CAPTURE [ARGUMENTS...]: the findings' names with their numbers, and the exit status
told()
{
	local name=$1 rc=0
	shift
	timeout 60 "$GREYLINE" doctor --json "$@" "$W/$name.pcap" >"$W/$name.json" 2>>"$W/d.err" || rc=$?
	jq -r 'select(.event == "finding") | "\(.finding) \(.windows_error // 0)"' "$W/$name.json"
	return "$rc"
}

# shows CAPTURE WANT [ARGUMENTS...]: this, alone ("": nothing), with frames
shows()
{
	local name=$1 want=$2 rc=0 found
	shift 2
	found=$(told "$name" "$@") || rc=$?
	jq -r 'select(.event == "finding") | "-> \(.finding): \(.evidence)"' "$W/$name.json" | tee "$W/seen"
	if [ "$found" != "$want" ] || [ "$rc" != "$([ -z "$want" ]; echo $?)" ]; then
		echo "$name: status $rc, instead of \"$want\": $found"
		jq -c . "$W/$name.json"
		return 1
	fi
	[ -z "$want" ] || grep -Eq 'frame|capture-incomplete' "$W/seen"
}

# ---- the doctor, live

# doctor NS ARGUMENTS...: its lines to $W/$OUT.out, its status to RC
OUT=d
doctor()
{
	local n=$1
	shift
	RC=0
	in_ns "$n" env GREYLINE_PASSWORD="${PASSWORD:-wonderland}" timeout 100 "$GREYLINE" doctor --json "$@" \
		>"$W/$OUT.out" 2>>"$W/d.err" || RC=$?
	tells
}

# What it said
tells()
{
	jq -r 'select(.event == "step") | "\(.mark) \(.step): \(.text)"' "$W/$OUT.out"
	jq -r 'select(.event == "finding") | "-> \(.finding) (\(.windows_error // 0)): \(.evidence)"' "$W/$OUT.out"
}

# findings: by name, with their numbers
findings()
{
	jq -r 'select(.event == "finding") | "\(.finding) \(.windows_error // 0)"' "$W/$OUT.out"
}

# finds NAME WINDOWS-ERROR NS ARGUMENTS...: this, and nothing else
finds()
{
	local want="$1 $2" n=$3
	shift 3
	doctor "$n" "$@"
	[ "$RC" = 1 ] && [ "$(findings)" = "$want" ]
}

# well NS ARGUMENTS...: nothing
well()
{
	doctor "$@"
	[ "$RC" = 0 ] && [ -z "$(jq -r 'select(.event == "finding") | .finding' "$W/$OUT.out")" ] &&
		jq -r 'select(.event == "verdict") | .text' "$W/$OUT.out" | grep '^all well'
}

evidence()
{
	jq -r 'select(.event == "finding") | .evidence' "$W/$OUT.out" | grep -E -- "$1"
}

measured()
{
	jq 'select(.event == "measured")' "$W/$OUT.out" | judge "$1"
}

security()
{
	jq -r 'select(.event == "security") | .items[].name' "$W/$OUT.out" | grep -x -- "$1"
}

# both SHOWN NAME COMMAND...: live, and from the capture made meanwhile, which shows the findings SHOWN ("same": those that the
# doctor had live); of $PLACE
both()
{
	local shown=$1 name=$2
	shift 2
	OUT=d
	: >"$W/$OUT.out"
	mark
	t "$name" "$@"
	slice "${PLACE:-here}"
	captured "$name" "$shown"
}

# captured NAME SHOWN
captured()
{
	local shown=$2
	[ "$shown" != same ] || shown=$(findings)
	t "$1; so says the capture: ${shown:-nothing wrong}" shows "${PLACE:-here}" "$shown"
}

# ---- faults side by side

declare -a TITLE=() HOST=() LIVE=() SHOWN=() LOOK=() ARGS=() SECRET=() MODE=() LIMIT=()

# fault TITLE LIVE SHOWN [--mode MODE | --rule NS HOOK RULE]... [--look REGEX] [--password P] [--limit SECONDS] [ARGUMENTS...]: one for
# the next round. SHOWN: what a capture shows ("same": LIVE). In a RULE, HOST stands for the server's address.
fault()
{
	local i=${#TITLE[@]} host
	host=192.0.2.$((10 + i))
	TITLE+=("$1") LIVE+=("$2") SHOWN+=("${3/#same/$2}") HOST+=("$host") LOOK+=('') ARGS+=('') SECRET+=(wonderland) MODE+=('') LIMIT+=(25)
	shift 3
	while :; do
		case ${1:-} in
		--mode) MODE[i]=$2; shift 2 ;;
		--rule)
			rules "$2" "$3" "${4//HOST/$host}" || not_ok "a rule of the fault: ${TITLE[i]}"
			shift 4
			;;
		--limit) LIMIT[i]=$2; shift 2 ;;
		--look) LOOK[i]=$2; shift 2 ;;
		--password) SECRET[i]=$2; shift 2 ;;
		*) break ;;
		esac
	done
	ARGS[i]=$*
}

# round_begins: the addresses, the broken servers; the usual server has all the others
round_begins()
{
	local i listen=()
	for i in "${!TITLE[@]}"; do
		ip -n "$NSP-server" addr add "${HOST[i]}/24" dev up0 2>/dev/null
		if [ -n "${MODE[i]}" ]; then
			broken "p$i" "${MODE[i]}" "${HOST[i]}"
		else
			listen+=(--listen "${HOST[i]}")
		fi
	done
	[ ${#listen[@]} = 0 ] || server s server "${ACCOUNT[@]}" "${POOL[@]}" "${listen[@]}" || return
	for i in "${!TITLE[@]}"; do
		[ -z "${MODE[i]}" ] || is_ready "p$i" || return
	done
}

# round_over: all have ended; what was captured of the whole round is PLACE-round.pcap
round_over()
{
	local place
	for place in "${PLACES[@]}"; do
		slice "$place"
		mv "$W/$place.pcap" "$W/$place-round.pcap"
	done
}

# of_round PLACE I: what of it is of this fault is PLACE.pcap
of_round()
{
	tcpdump -r "$W/$1-round.pcap" -w "$W/$1.pcap" host "${HOST[$2]}" or icmp 2>/dev/null
}

round_ends()
{
	local i
	for i in "${!TITLE[@]}"; do
		[ -z "${MODE[i]}" ] || stop "p$i"
	done
	TITLE=() HOST=() LIVE=() SHOWN=() LOOK=() ARGS=() SECRET=() MODE=() LIMIT=()
	cleared
}
