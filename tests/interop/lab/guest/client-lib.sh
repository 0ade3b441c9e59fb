# shellcheck shell=sh
# pppd over pptp-linux in the guest; sourced: by guest/client, and by requests:
#   set -- STATEFUL=1; . /run/share/guest/client-lib.sh; dial
# shellcheck source=lib.sh
. "$SHARE/guest/lib.sh"

client_options()
{
	secrets
	{
		printf '%s\n' noauth nodefaultroute lock nodetach "name \"$PPPUSER\"" "remotename pptpd" \
			"maxfail 1" nopersist
		for a in pap:pap chap-md5:chap mschap:mschap mschap-v2:mschap-v2 eap:eap; do
			case $AUTH in eap-*) asked=eap ;; *) asked=$AUTH ;; esac # one option for all of EAP
			case $asked in any | "${a%%:*}") ;; *) echo "refuse-${a##*:}" ;; esac
		done
		common_options
	} >/etc/ppp/options.peer
	cp /etc/ppp/options.peer "$SHARE/"
}

# dial: sets PPPD (also in $SHARE/pppd.pid), LOCAL, REMOTE, IF
dial()
{
	rm -f "$SHARE"/up.*
	pppd pty "pptp $SERVER --nolaunchpppd --loglevel $((DEBUG * 2)) $PPTP_OPTS" file /etc/ppp/options.peer \
		</dev/null >>"$SHARE/pppd.out" 2>&1 &
	PPPD=$!
	echo $PPPD >"$SHARE/pppd.pid"
	i=0
	while ! [ -e "$SHARE/up.ppp0" ]; do
		i=$((i + 1))
		if ! kill -0 $PPPD 2>/dev/null; then
			r=0
			wait $PPPD || r=$?
			echo "RESULT dial failed: pppd exit $r"
			return 1
		fi
		if [ $i -ge $((DIAL * 10)) ]; then
			echo "RESULT dial timed out"
			kill $PPPD
			wait $PPPD || :
			return 1
		fi
		sleep 0.1
	done
	read -r LOCAL REMOTE <"$SHARE/up.ppp0"
	export LOCAL REMOTE IF=ppp0
	echo "RESULT up local=$LOCAL remote=$REMOTE uptime=$(cut -d' ' -f1 /proc/uptime)"
}

# hangup [PID]: returns when pppd has ended
hangup()
{
	p=${1:-$(cat "$SHARE/pppd.pid")}
	kill "$p" 2>/dev/null || :
	i=0
	while kill -0 "$p" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 150 ] || { echo "RESULT pppd does not end"; return 1; }
		sleep 0.1
	done
	echo "RESULT hung up"
}
