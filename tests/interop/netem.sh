# shellcheck shell=bash
# Sourced by tests/interop/run: MPPE of every kind between us and the real pppd over a bad path. The guest's kernel
# makes it (sch_netem), for what the guest sends and, by way of an ifb device, for what it gets.
#
# Linux' kernel goes out of step for good when it loses more than 4,096 of our packets in a row, and pppd ends the
# link when CCP is opened anew: so the outage under a flood concerns what it sends, of which we lose tens of
# thousands, and must go on without either.

# bad_path GUEST ARGUMENTS...: of netem, each way; nothing: good again
bad_path()
{
	local guest=$1
	shift
	guest "$guest" "
		tc qdisc del dev eth0 root 2>/dev/null
		tc qdisc del dev eth0 ingress 2>/dev/null
		[ -n '$*' ] || exit 0
		modprobe -a sch_netem sch_ingress act_mirred cls_matchall &&
		{ ip link show ifb0 >/dev/null 2>&1 || modprobe ifb numifbs=1; } && ip link set ifb0 up &&
		tc qdisc replace dev eth0 root netem limit 5000 $* &&
		tc qdisc replace dev ifb0 root netem limit 5000 $* &&
		tc qdisc add dev eth0 ingress &&
		tc filter add dev eth0 parent ffff: matchall action mirred egress redirect dev ifb0"
}

peer_address()
{
	if [ "$NETEM_GUEST" = server ]; then
		echo "$REAL_SERVER_INNER"
	else
		inner_of_client
	fi
}

our_address()
{
	if [ "$NETEM_GUEST" = server ]; then
		event c connected local
	else
		echo "$SERVER_INNER"
	fi
}

# Some of the pings come back, large and small
some_pings()
{
	local got
	got=$(in_ns dut ping -n -c 60 -i 0.02 -W 1 -s "$1" "$(peer_address)" | tee -a /dev/stderr |
		sed -n 's/.* \([0-9]*\) received.*/\1/p')
	[ "${got:-0}" -ge "$2" ]
}

# moves BYTES: TCP both ways, each checksum right. A connection may be unlucky: it waits twice as long after each loss in a
# row, and in stateful MPPE one loss is always two packets. So it has three tries.
moves()
{
	local try
	for try in 1 2 3; do
		echo "try $try:"
		in_ns dut timeout 90 "$TESTS/transfer" check "$(peer_address)" 5001 "$1" 40 && return
	done
	return 1
}

# It is the same session still, which has never fallen out of step for good
still_there()
{
	local name=s
	[ "$NETEM_GUEST" = client ] || name=c
	wait_for 10 in_ns dut ping -n -c 1 -W 1 "$(peer_address)" && pings dut "$(peer_address)" -s 1300 &&
		ctl "$name" sessions --json | jq -c '.[0] | {lost, rx_late, reordered, drops}' &&
		! grep -q 'out of step' <(tail -n "+$((NETEM_LOG + 1))" "$W/$name.err") &&
		[ "$(guest "$NETEM_GUEST" 'pidof pppd')" = "$NETEM_PPPD" ]
}

# path ARGUMENTS...: what netem does for a while, with traffic of all kinds; then all is well. In stateful MPPE pppd waits
# a second before it asks for a reset again, if its Reset-Request or our Reset-Ack is lost: nothing passes meanwhile.
path()
{
	local rc=0
	bad_path "$NETEM_GUEST" "$@" && wait_for 20 some_pings 56 10 && wait_for 20 some_pings 1300 5 && moves "$NETEM_BYTES" || rc=1
	bad_path "$NETEM_GUEST" && still_there && moves 100000 && return "$rc"
}

# For three seconds, or longer on a slow machine, nothing comes of what the guest sends as fast as it can: more than
# 4,096 packets are missing then
outage()
{
	local before lost name=s
	[ "$NETEM_GUEST" = client ] || name=c
	before=$(ctl "$name" sessions --json | jq '.[0].lost')
	guest "$NETEM_GUEST" "modprobe sch_netem; tc qdisc replace dev eth0 root netem loss 100%; timeout 25 python3 -c '
import socket, time
def sent():
    return int(open(\"/sys/class/net/ppp0/statistics/tx_packets\").read())
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
start, first = time.monotonic(), sent()
while time.monotonic() < start + 3 or sent() < first + 6000:
    for _ in range(64):
        try:
            s.sendto(b\"flood\" * 4, (\"$(our_address)\", 9))
        except OSError:
            pass
'; sleep 0.5; tc qdisc del dev eth0 root" 40
	still_there && moves 100000 || return
	lost=$(($(ctl "$name" sessions --json | jq '.[0].lost') - before))
	echo "lost: $lost"
	[ "$lost" -gt 4096 ]
}

netem_begins()
{
	local name=s
	[ "$NETEM_GUEST" = client ] || name=c
	NETEM_PPPD=$(guest "$NETEM_GUEST" 'pidof pppd')
	NETEM_LOG=$(wc -l <"$W/$name.err")
	guest "$NETEM_GUEST" 'pidof python3 >/dev/null ||
		setsid python3 /run/share/transfer serve 0.0.0.0 5001 >/dev/null 2>&1 &' &&
		wait_for 10 in_ns dut timeout 5 "$TESTS/transfer" check "$(peer_address)" 5001 1000 && [ -n "$NETEM_PPPD" ]
}

# netem_session AS STATEFUL ALL
netem_session()
{
	local as=$1
	NETEM_BYTES=300000
	[ "$2" = 0 ] || NETEM_BYTES=20000
	if [ "$3" = 1 ]; then
		t "$as, loss of 1 %: data flows, whole" path loss 1%
		t "$as, 2 ms +- 1 ms: data flows, whole" path delay 2ms 1ms
	fi
	t "$as, loss of 5 %: data flows, whole" path loss 5%
	t "$as, nothing of a flood comes for 3 s: it goes on" outage
}

netem_client()
{
	real_server MPPE="$1" STATEFUL="$2" && dials "*$1*$4*" --mppe "$3" --once && netem_begins
}

netem_server()
{
	stop s
	server s dut "${ACCOUNT[@]}" "${POOL[@]}" --listen "$DUT_IP" --dev tun-s --set mppe="$3" &&
		answers "*$1*$4*" MPPE="$1" STATEFUL="$2" && netem_begins
}

# netem_suite ALL: 0: MPPE-128 alone, and less of it
netem_suite()
{
	local bits stateful policy mode as
	while read -r bits stateful policy mode; do
		[ "$1" = 1 ] || [ "$bits" = 128 ] || continue
		NETEM_GUEST=server as="our client, the real server, MPPE-$bits $mode"
		t "$as: up" netem_client "$bits" "$stateful" "$policy" "$mode"
		netem_session "$as" "$stateful" "$1"
		t "$as: ends" client_ends
		NETEM_GUEST=client as="our server, the real client, MPPE-$bits $mode"
		t "$as: up" netem_server "$bits" "$stateful" "$policy" "$mode"
		netem_session "$as" "$stateful" "$1"
		t "$as: ends" real_client_ends
		stop s
	done <<-'END'
	40 1 require-40,stateful stateful
	40 0 require-40 stateless
	128 0 require-128 stateless
	128 1 require-128,stateful stateful
	END
}
