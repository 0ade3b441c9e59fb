# shellcheck shell=bash disable=SC2034
# The host side of the lab; sourced (bash) by the scripts beside it and by tests/interop/run. A lab is
#   netns LAB-net   bridge br0; one tap per guest; dut0, the veth to
#   netns LAB-dut   eth0 = 10.99.0.1/24 fd99::1/64: the device under test
# with real peers in user-mode-linux guests at 10.99.0.2 (server) and 10.99.0.3 (client).
# All of a lab's files lie in $LAB_BASE/LAB, which lab_down removes.
LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_BASE=${GREYLINE_LAB_TMP:-/tmp/greyline-lab}
DUT_IP=10.99.0.1 SERVER_IP=10.99.0.2 CLIENT_IP=10.99.0.3
PATH=$PATH:/usr/sbin:/sbin

die()
{
	echo "${0##*/}: $*" >&2
	exit 2
}

# ---- lab_up LAB / lab_down LAB

lab_up()
{
	local l=$1 n="ip -n $1-net" d="ip -n $1-dut"
	[ "$(id -u)" = 0 ] || die "needs root"
	{ [ ${#l} -le 32 ] && [[ $l =~ ^[a-z][a-z0-9-]*$ ]]; } || die "bad lab name '$l'"
	mkdir -p "$LAB_BASE"
	mkdir "$LAB_BASE/$l" || die "lab $l exists"
	ip netns add "$l-net"
	ip netns add "$l-dut"
	ip netns exec "$l-net" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip netns exec "$l-dut" sysctl -qw net.ipv6.conf.default.accept_ra=0
	$n link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	$n link add dut0 type veth peer name eth0 netns "$l-dut"
	$n link set dut0 master br0 up
	$n link set br0 up
	$d link set lo up
	# real checksums and no giant frames on the wire, as on an Ethernet
	ip netns exec "$l-dut" ethtool -K eth0 tx off tso off gso off gro off >/dev/null 2>&1 || true
	$d link set eth0 up
	$d addr add $DUT_IP/24 dev eth0
	$d addr add fd99::1/64 dev eth0 nodad
}

lab_down()
{
	local l=$1 g left
	[ -d "$LAB_BASE/$l" ] || return 0
	for g in "$LAB_BASE/$l"/guest-*; do
		[ ! -d "$g" ] || guest_stop "$l" "${g##*/guest-}"
	done
	[ ! -e "$LAB_BASE/$l/tcpdump.pid" ] || capture_stop "$l"
	for g in net dut; do
		left=$(ip netns pids "$l-$g" 2>/dev/null | tr '\n' ' ')
		[ -z "$left" ] || echo "lab: processes left in netns $l-$g: $left" >&2
		ip netns del "$l-$g" 2>/dev/null || true
	done
	rm -rf "${LAB_BASE:?}/${l:?}"
}

# ---- capture_start LAB FILE [tcpdump options]: PPTP of the link; capture_stop LAB

capture_start()
{
	local l=$1 f=$2 log=$LAB_BASE/$1/tcpdump.log i
	shift 2
	: >"$f"
	: >"$log"
	ip netns exec "$l-net" tcpdump -Z root -i br0 -U -w "$f" "$@" \
		'tcp port 1723 or ip proto 47 or ip[6:2]&0x1fff!=0' >"$log" 2>&1 </dev/null &
	echo $! >"$LAB_BASE/$l/tcpdump.pid"
	for ((i = 0; i < 100; i++)); do
		! grep -q 'listening on' "$log" || return 0
		sleep 0.1
	done
	die "tcpdump did not start: $(cat "$log")"
}

capture_stop()
{
	local p
	p=$(cat "$LAB_BASE/$1/tcpdump.pid")
	sleep 0.3 # what the kernel still holds: nothing tells when tcpdump has read it all
	kill "$p" 2>/dev/null || true
	wait_pid_end "$p" 50 || true
	rm -f "$LAB_BASE/$1/tcpdump.pid"
}

# ---- processes

alive()
{
	kill -0 "$1" 2>/dev/null && [ "$(ps -o stat= -p "$1" | cut -c1)" != Z ]
}

# wait_pid_end PID TENTHS
wait_pid_end()
{
	local i
	for ((i = 0; i < $2; i++)); do
		alive "$1" || return 0
		sleep 0.1
	done
	return 1
}

# end_group PID: a process group of our making, all of it
end_group()
{
	local i
	kill -- -"$1" 2>/dev/null || return 0
	for ((i = 0; i < 150; i++)); do
		kill -0 -- -"$1" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -9 -- -"$1" 2>/dev/null || true
}

# ---- guests: directory $LAB_BASE/LAB/guest-NAME; its share/ is the guest's /run/share

guest_share()
{
	echo "$LAB_BASE/$1/guest-$2/share"
}

# What the guests need of src/, built once into $LAB_BASE/bin
build_helpers()
{
	local b=$LAB_BASE/bin
	mkdir -p "$b"
	if ! [ "$b/uml-xstate.so" -nt "$LAB_DIR/src/uml-xstate.c" ]; then
		gcc -O2 -shared -fPIC -o "$b/xs.$$" "$LAB_DIR/src/uml-xstate.c" -ldl
		mv "$b/xs.$$" "$b/uml-xstate.so"
	fi
	if [ -e /usr/include/pppd/pppd.h ] &&
		! [ "$b/mppe-stateful.so" -nt "$LAB_DIR/src/mppe-stateful.c" ]; then
		gcc -O2 -shared -fPIC -o "$b/ms.$$" "$LAB_DIR/src/mppe-stateful.c"
		mv "$b/ms.$$" "$b/mppe-stateful.so"
	fi
}

# guest_prepare LAB NAME: makes the share with the guest's scripts in it. The guest hides the host's
# /tmp, and its kernel command line takes no spaces: so nothing else of this folder is used there.
# The caller then puts `cmd` (and `env`, by write_env) into it.
guest_prepare()
{
	local s
	build_helpers
	s=$(guest_share "$1" "$2")
	mkdir -p "$s"
	cp -r "$LAB_DIR/guest" "$s/"
	[ ! -e "$LAB_BASE/bin/mppe-stateful.so" ] || cp "$LAB_BASE/bin/mppe-stateful.so" "$s/"
}

# guest_start LAB NAME ADDR/LEN SECONDS [ADDR6/LEN|-] [NETEM]: boots it, in the background
guest_start()
{
	local l=$1 g=$2 dir=$LAB_BASE/$1/guest-$2 tap=tap-$2 a=${3%/*} mac
	ip -n "$l-net" tuntap add dev "$tap" mode tap
	ip -n "$l-net" link set "$tap" master br0 up
	mac=$(printf '52:54:00:99:00:%02x' "${a##*.}")
	# own PID namespace: when its first process goes, all of the guest goes
	LD_PRELOAD='' ip netns exec "$l-net" timeout -k 3 "$4" \
		unshare --pid --fork --kill-child --mount-proc \
		env LD_PRELOAD="$LAB_BASE/bin/uml-xstate.so" LD_BIND_NOW=1 \
		linux.uml mem="${GREYLINE_LAB_MEM:-128M}" root=/dev/root rootfstype=hostfs rootflags=/ ro \
		init="$dir/share/guest/init" uml_dir="$dir" umid=uml noreboot panic=1 quiet \
		con0=null,fd:1 con=null ssl=null \
		vec0:transport=tap,ifname="$tap",gro=1,depth=128,mac="$mac" \
		SHARE="$dir/share" ADDR="$3" ${5:+ADDR6="$5"} ${6:+NETEM="${6// /_}"} \
		>"$dir/console" 2>&1 </dev/null &
	echo $! >"$dir/pid"
}

# guest_wait LAB NAME FILE SECONDS: until the guest has made share/FILE
guest_wait()
{
	local s p i
	s=$(guest_share "$1" "$2")
	p=$(cat "$s/../pid")
	for ((i = 0; i < $4 * 10; i++)); do
		[ ! -e "$s/$3" ] || return 0
		if ! alive "$p"; then
			sleep 0.1
			[ -e "$s/$3" ]
			return
		fi
		sleep 0.1
	done
	return 1
}

# guest_stop LAB NAME: asks, then insists
guest_stop()
{
	local s p
	s=$(guest_share "$1" "$2")
	[ -e "$s/../pid" ] || return 0
	p=$(cat "$s/../pid")
	: >"$s/stop"
	if ! wait_pid_end "$p" 80; then
		kill "$p" 2>/dev/null || true
		wait_pid_end "$p" 50 || kill -9 "$p" 2>/dev/null || true
	fi
	rm -f "$s/../pid"
	ip -n "$1-net" link del "tap-$2" 2>/dev/null || true
}

# guest_exec LAB NAME SECONDS 'SHELL COMMAND': in a guest that serves requests; output and status are
# the command's, 124 when out of time
guest_exec()
{
	local s b i rc
	s=$(guest_share "$1" "$2")
	[ -d "$s/req" ] || die "no such guest, or not ready: $2"
	b=$s/req/$BASHPID-$RANDOM
	printf '%s\n' "$4" >"$b.new"
	mv "$b.new" "$b.cmd"
	for ((i = 0; i < $3 * 20; i++)); do
		if [ -e "$b.rc" ]; then
			cat "$b.out"
			rc=$(cat "$b.rc")
			rm -f "$b".*
			return "$rc"
		fi
		sleep 0.05
	done
	cat "$b.out" 2>/dev/null || true
	echo "guest_exec: out of time: $4" >&2
	return 124
}

# guest_rc LAB NAME: the status of its `cmd`
guest_rc()
{
	cat "$(guest_share "$1" "$2")/rc" 2>/dev/null || echo 124
}

# guest_pss LAB NAME: kB of all the host processes of a guest (those of its PID namespace)
guest_pss()
{
	local ns p sum=0 v
	p=$(ps -o pid= --ppid "$(cat "$(guest_share "$1" "$2")/../pid")" | tr -d ' ')
	p=$(ps -o pid= --ppid "$p" | tr -d ' ')
	ns=$(readlink "/proc/$p/ns/pid")
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/ns/pid" 2>/dev/null)" = "$ns" ] || continue
		v=$(awk '/^Pss:/{print $2}' "$p/smaps_rollup" 2>/dev/null) || v=0
		sum=$((sum + ${v:-0}))
	done
	echo "$sum"
}

# guest_dump LAB NAME FILE...: for a person: what went wrong
guest_dump()
{
	local l=$1 g=$2 f
	shift 2
	for f; do
		f=$(guest_share "$l" "$g")/$f
		[ ! -s "$f" ] || { echo "--- $g ${f##*/}"; tail -n 30 "$f"; }
	done >&2
}

# ---- the variant options that peer-server and peer-client share

VARIANT_HELP='  --auth pap|chap-md5|mschap|mschap-v2|eap-md5|eap-mschap-v2|any|none   default mschap-v2
  --mppe 128|40|any|none    default 128 with mschap(-v2), else none
  --stateful                ask for stateful MPPE (default stateless)
  --comp none|deflate|bsdcomp|default   CCP compression (with --mppe none)
  --ipv6   --vj   --no-pcomp (no PFC/ACFC)   --mtu N|default (1400)   --echo SECONDS (30)
  --user U --pass P         default alice / wonderland
  --no-debug                no per-packet logs (for throughput)
  --pppd OPTS               more pppd options, separated by ";"
  --netem "ARGS"            impair what the guest sends once the tunnel is up,
                            e.g. "loss 5% delay 20ms reorder 25%"
  --netem-all "ARGS"        from the start (pppd may never dial: it does not get over a
                            lost CHAP Success)
  --timeout SECONDS         of all of it, default 120
  --pcap FILE               capture the link    --logs DIR  keep the logs there
  --lab LAB                 in an existing lab (see lab --help) instead of one of its own'
AUTH=mschap-v2 MPPE='' STATEFUL=0 COMP=none IPV6=0 VJ=0 PCOMP=1 MTU=1400 ECHO=30 DEBUG=1
PPPUSER=alice PPPPASS=wonderland PPPD_OPTS='' NETEM='' NETEM_ALL='' TIMEOUT=120 PCAP='' LOGS='' LAB=''

# variant_option "$@": sets SHIFT to how many arguments it took, 0 if not one of these
variant_option()
{
	SHIFT=1
	case $1 in
	--stateful) STATEFUL=1; return ;;
	--ipv6) IPV6=1; return ;;
	--vj) VJ=1; return ;;
	--no-pcomp) PCOMP=0; return ;;
	--no-debug) DEBUG=0; return ;;
	esac
	SHIFT=2
	case $1 in
	--auth | --mppe | --comp | --mtu | --echo | --user | --pass | --pppd | --netem | --netem-all | \
		--timeout | --pcap | --logs | --lab)
		[ $# -ge 2 ] || die "$1 wants a value" ;;
	esac
	case $1 in
	--auth) AUTH=$2 ;;
	--mppe) MPPE=$2 ;;
	--comp) COMP=$2 ;;
	--mtu) MTU=$2 ;;
	--echo) ECHO=$2 ;;
	--user) PPPUSER=$2 ;;
	--pass) PPPPASS=$2 ;;
	--pppd) PPPD_OPTS=${2//;/$'\n'} ;;
	--netem) NETEM=$2 ;;
	--netem-all) NETEM_ALL=$2 ;;
	--timeout) TIMEOUT=$2 ;;
	--pcap) PCAP=$2 ;;
	--logs) LOGS=$2 ;;
	--lab) LAB=$2 ;;
	*) SHIFT=0 ;;
	esac
}

variant_check()
{
	[[ $AUTH =~ ^(pap|chap-md5|mschap|mschap-v2|eap-md5|eap-mschap-v2|any|none)$ ]] || die "bad --auth $AUTH"
	[[ $COMP =~ ^(none|deflate|bsdcomp|default)$ ]] || die "bad --comp $COMP"
	if [ -z "$MPPE" ]; then
		MPPE=none
		if [[ $AUTH =~ ^mschap ]] && [ "$COMP" = none ]; then
			MPPE=128
		fi
	fi
	[[ $MPPE =~ ^(128|40|any|none)$ ]] || die "bad --mppe $MPPE"
	[[ $TIMEOUT =~ ^[0-9]+$ ]] || die "bad --timeout $TIMEOUT"
}

# write_env FILE [more names]: settings for the guest, shell-quoted
write_env()
{
	local f=$1 v
	shift
	for v in AUTH MPPE STATEFUL COMP IPV6 VJ PCOMP MTU ECHO PPPUSER PPPPASS PPPD_OPTS DEBUG NETEM "$@"; do
		printf "%s='%s'\n" "$v" "${!v//\'/\'\\\'\'}"
	done >"$f"
}

# ---- own_or_join_lab: sets LAB; a lab of our own (OWN not empty) goes away when the script ends

own_or_join_lab()
{
	if [ -n "$LAB" ]; then
		[ -d "$LAB_BASE/$LAB" ] || die "no lab $LAB"
		OWN=''
	else
		LAB=gl$$ OWN=1
		lab_up "$LAB"
	fi
}

# keep_logs NAME: of guest NAME, into $LOGS
keep_logs()
{
	local s f
	[ -n "$LOGS" ] || return 0
	mkdir -p "$LOGS/$1"
	s=$(guest_share "$LAB" "$1")
	for f in "$s"/../console "$s"/{out,syslog,pppd.log,pptpd-options,pptpd.conf,options.peer,env,rc}; do
		[ ! -e "$f" ] || cp "$f" "$LOGS/$1/"
	done
}

# summarize PCAP [LINES]: the talk of the link, one line each, data packets only counted
summarize()
{
	local talk='pptp || tcp.flags.syn==1 || tcp.flags.fin==1 || tcp.flags.reset==1 ||
		(ppp && !comp_data && !(gre && ip.proto==47 && ppp.protocol==0x21))'
	tshark -r "$1" -Y "$talk" 2>/dev/null |
		sed -E 's/^ *//; s/VALUE=0x([0-9a-f]{8})[0-9a-f]*…?/VALUE=\1../' | cut -c1-160 | head -n "${2:-80}"
	echo "-- counted:"
	tshark -r "$1" -q -z io,phs 2>/dev/null | sed -n '/^eth/,/^=/p' | grep -v '^=' || true
}
