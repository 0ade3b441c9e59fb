# shellcheck shell=bash
# Sourced by tests/interop/run: each method of authentication, encryption and compression that pppd has, once in each
# role, then IPv6 over a path that is smaller; Wireshark judges all of it. (EAP-TLS: tests/interop/eap-tls. pppd 2.4.9 has
# no PEAP, no MPPC, no 56 bits, and no 40 bits from MS-CHAP.)

# word, name, MPPE of pppd, its mode, our policy, what comes of it
METHODS='
pap PAP none 0 off no*
chap-md5 CHAP-MD5 none 0 off no*
eap-md5 EAP-MD5 none 0 off no*
mschap MS-CHAP none 0 off no*
mschap MS-CHAP 128 0 require-128 *128*stateless*
mschap MS-CHAP 128 1 require-128,stateful *128*stateful*
mschap-v2 MS-CHAPv2 none 0 off no*
mschap-v2 MS-CHAPv2 40 0 require-40 *40*stateless*
mschap-v2 MS-CHAPv2 40 1 require-40,stateful *40*stateful*
eap-mschap-v2 EAP-MSCHAPv2 40 0 require-40 *40*stateless*
eap-mschap-v2 EAP-MSCHAPv2 128 0 require-128 *128*stateless*
eap-mschap-v2 EAP-MSCHAPv2 128 1 require-128,stateful *128*stateful*
'

# client_method WORD METHOD MPPE STATEFUL POLICY PATTERN: up by this method, used, ended
client_method()
{
	# shellcheck disable=SC2034 # dials() expects it
	local METHOD=$2
	real_server AUTH="$1" MPPE="$3" STATEFUL="$4" && dials "$6" --auth "$1" --mppe "$5" --once &&
		client_pings_both_ways && client_ends
}

# both_deflate NAME: of our program; each direction has had compressed packets, and lost none
both_deflate()
{
	ctl "$1" sessions --json | jq -c '.[0] | {compression_sent, compression_received, compressed, decompressed, drops}' |
		judge 'debug | .compression_sent == "Deflate" and .compression_received == "Deflate" and
			.compressed > 20 and .decompressed > 20 and (.drops | length) == 0'
}

client_deflate()
{
	real_server MPPE=none COMP=deflate STATEFUL=0 &&
		dials 'no*' --mppe off --set compression=deflate --once &&
		client_pings_both_ways && pings dut "$REAL_SERVER_INNER" -s 1300 -p 00 && client_moves &&
		both_deflate c && client_ends
}

# Linux' own BSD-Compress falls out of step with itself, too, without a loss, and pppd then terminates CCP: it is agreed
# on, and whatever comes of it, the call and its data go on.
client_bsd()
{
	# shellcheck disable=SC2154 # of the script that sources this
	real_server MPPE=none COMP=bsdcomp STATEFUL=0 &&
		client c dut "${dial_real[@]}" --mppe off --set compression=bsd --once && connected c 20 &&
		wait_for 5 said c 'BSD-Compress sent, BSD-Compress received' && client_moves &&
		client_pings_both_ways && sessions c 1 && client_ends
}

# The path to the real server carries less now: who sends too much is told by us, inside; TCP goes on, both ways
client_path_is_smaller()
{
	local there
	real_server MPPE=128 IPV6=1 STATEFUL=0 && dials '*128*stateless*' --ipv6 --once &&
		wait_for 10 link_local c address && there="$(link_local c address)%tun-c" && wait_for 10 pings dut "$there" &&
		guest server "pidof python3 >/dev/null && pkill -x python3
			setsid python3 /run/share/transfer serve :: 5006 >/dev/null 2>&1 &" || return
	ip -n "$NSP-dut" route replace "$SERVER_IP/32" dev eth0 mtu 1330
	in_ns dut ping -n -c 8 -i 0.3 -W 1 -M 'do' -s 1340 "$there" 2>&1 | tee "$W/told6"
	grep -Eq 'mtu ?[:=] ?1286' "$W/told6" && pings dut "$there" -M 'do' -s $((1286 - 48)) &&
		in_ns dut timeout 60 "$TESTS/transfer" check "$there" 5006 1000000
	local rc=$?
	ip -n "$NSP-dut" route del "$SERVER_IP/32"
	[ "$rc" = 0 ] && client_ends
}

# server_method WORD METHOD MPPE STATEFUL POLICY PATTERN: our server asks for this method only
server_method()
{
	stop s
	server s dut "${ACCOUNT[@]}" "${POOL[@]}" --listen "$DUT_IP" --dev tun-s --set auth="$1" --set mppe="$5" &&
		answers "$6" AUTH="$1" MPPE="$3" STATEFUL="$4" && [ "$(ctl s sessions --json | jq -r '.[0].auth')" = "$2" ] &&
		server_pings_both_ways && real_client_ends
}

# compressing_server WORD
compressing_server()
{
	stop s
	server s dut "${ACCOUNT[@]}" "${POOL[@]}" --listen "$DUT_IP" --dev tun-s --set mppe=off --set compression="$1"
}

server_deflate()
{
	compressing_server deflate && answers 'no*' MPPE=none COMP=deflate STATEFUL=0 && server_pings_both_ways &&
		server_moves && both_deflate s && real_client_ends
}

# As client_bsd
server_bsd()
{
	compressing_server bsd && real_client MPPE=none COMP=bsdcomp STATEFUL=0 && sessions s 1 &&
		wait_for 5 said s 'BSD-Compress sent, BSD-Compress received' && server_moves &&
		server_pings_both_ways && sessions s 1 && real_client_ends
}

client_methods()
{
	local word name mppe stateful policy pattern
	capture_start "$LAB" "$W/methods-client.pcap"
	while read -r word name mppe stateful policy pattern; do
		[ -n "$word" ] || continue
		t "our client, the real server, $name, mppe $policy: up, pings, ends" \
			client_method "$word" "$name" "$mppe" "$stateful" "$policy" "$pattern"
	done <<<"$METHODS"
	real_server AUTH=mschap-v2 STATEFUL=0
	t 'our client, the real server, Deflate: 10 MB of TCP both ways arrive whole' client_deflate
	t 'our client, the real server, BSD-Compress: whatever becomes of it, 10 MB of TCP arrive whole' client_bsd
	real_server MPPE=128 COMP=none
	t 'our client, the real server, IPv6 over a smaller path: we say so, pings and TCP go on' client_path_is_smaller
	capture_stop "$LAB"
	t 'our client, by each method: tshark finds nothing malformed of ours' \
		"$TESTS/interop/tshark-check" "$W/methods-client.pcap" "$DUT_IP"
}

server_methods()
{
	local word name mppe stateful policy pattern
	capture_start "$LAB" "$W/methods-server.pcap"
	while read -r word name mppe stateful policy pattern; do
		[ -n "$word" ] || continue
		t "our server, the real client, $name, mppe $policy: up, pings, ends" \
			server_method "$word" "$name" "$mppe" "$stateful" "$policy" "$pattern"
	done <<<"$METHODS"
	t 'our server, the real client, Deflate: 10 MB of TCP both ways arrive whole' server_deflate
	t 'our server, the real client, BSD-Compress: whatever becomes of it, 10 MB of TCP arrive whole' server_bsd
	capture_stop "$LAB"
	t 'our server, by each method: tshark finds nothing malformed of ours' \
		"$TESTS/interop/tshark-check" "$W/methods-server.pcap" "$DUT_IP"
}
