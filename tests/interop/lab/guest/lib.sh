# shellcheck shell=sh
# The guest's side: settings from $SHARE/env, then NAME=VALUE arguments; sourced by the scripts here.
# shellcheck source=/dev/null
. "$SHARE/env"
for setting; do
	case $setting in *=*) export "${setting?}" ;; esac
done

secrets()
{
	printf '"%s" * "%s" *\n' "$PPPUSER" "$PPPPASS" >/etc/ppp/chap-secrets
	cp /etc/ppp/chap-secrets /etc/ppp/pap-secrets
	chmod 600 /etc/ppp/*-secrets
	certificates
}

# CERT: whose certificate (of those in $SHARE/certs) this end has for AUTH=eap-tls
certificates()
{
	rm -f /etc/ppp/eaptls-*
	[ "$AUTH" = eap-tls ] || return 0
	mkdir -p /etc/ppp/certs
	cp "$SHARE/certs/"* /etc/ppp/certs/
	chown -R 0:0 /etc/ppp/certs
	c=/etc/ppp/certs
	printf '* * %s - %s %s\n' "$c/$CERT.pem" "$c/ca.pem" "$c/$CERT-key.pem" >/etc/ppp/eaptls-client
	printf '* * - %s %s %s *\n' "$c/$CERT.pem" "$c/ca.pem" "$c/$CERT-key.pem" >/etc/ppp/eaptls-server
	chmod 600 /etc/ppp/eaptls-*
}

# options that both pppds take, from the variant
common_options()
{
	cat <<-END
	debug
	logfile $SHARE/pppd.log
	lcp-echo-interval ${ECHO:-30}
	lcp-echo-failure 4
	END
	[ "$AUTH" != eap-tls ] || [ -z "${TLS:-}" ] || echo "max-tls-version $TLS"
	[ "$MTU" = default ] || { echo "mtu $MTU"; echo "mru $MTU"; }
	case $MPPE in
	128) echo require-mppe-128; echo nomppe-40 ;;
	40) echo require-mppe-40; echo nomppe-128 ;;
	any) echo require-mppe ;;
	none) echo nomppe ;;
	esac
	case $MPPE,$STATEFUL in none,*) ;; *,1) echo mppe-stateful ;; esac
	[ "$STATEFUL" != 1 ] || [ ! -e "$SHARE/mppe-stateful.so" ] || echo "plugin $SHARE/mppe-stateful.so"
	case $COMP in
	deflate) echo deflate 15,15; echo nobsdcomp ;;
	bsdcomp) echo bsdcomp 15,15; echo nodeflate ;;
	default) ;;
	none) echo nodeflate; echo nobsdcomp; [ "$MPPE" != none ] || echo noccp ;;
	esac
	[ "$VJ" = 1 ] || { echo novj; echo novjccomp; }
	[ "$IPV6" != 1 ] || echo +ipv6
	[ "$PCOMP" = 1 ] || { echo nopcomp; echo noaccomp; }
	printf '%s\n' "$PPPD_OPTS"
}

# ip-up, ip-down: leave "LOCAL REMOTE" in $SHARE/up.IFACE while the link is up
link_hooks()
{
	cat >/etc/ppp/ip-up <<-END
	#!/bin/sh
	${NETEM:+modprobe sch_netem; tc qdisc replace dev eth0 root netem $NETEM}
	echo "\$4 \$5" >$SHARE/up.\$1.tmp; mv $SHARE/up.\$1.tmp $SHARE/up.\$1
	END
	cat >/etc/ppp/ip-down <<-END
	#!/bin/sh
	rm -f $SHARE/up.\$1
	${NETEM:+tc qdisc del dev eth0 root}
	END
	for x in up down; do printf '#!/bin/sh\n' >/etc/ppp/ipv6-$x; done
	chmod 755 /etc/ppp/ip-up /etc/ppp/ip-down /etc/ppp/ipv6-up /etc/ppp/ipv6-down
}

# serve_requests [PID]: runs what guest_exec drops in $SHARE/req until the host says stop; 1 if PID ends before
serve_requests()
{
	mkdir -p "$SHARE/req"
	while [ ! -e "$SHARE/stop" ]; do
		for q in "$SHARE"/req/*.cmd; do
			[ -e "$q" ] || continue
			b=${q%.cmd}
			mv "$q" "$b.run"
			(
				r=0
				sh "$b.run" >"$b.out" 2>&1 </dev/null || r=$?
				echo $r >"$b.tmp"
				mv "$b.tmp" "$b.rc"
			) &
		done
		[ "$#" -eq 0 ] || kill -0 "$1" 2>/dev/null || return 1
		sleep 0.1
	done
}
