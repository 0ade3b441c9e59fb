# shellcheck shell=sh disable=SC2034
# pptpd in the guest; sourced: by guest/server, and by requests that change or restart it:
#   set -- STATEFUL=1; . /run/share/guest/server-lib.sh; server_options
# shellcheck source=lib.sh
. "$SHARE/guest/lib.sh"

# for the next call: pppd reads them when it starts
server_options()
{
	secrets
	case $AUTH in
	pap) req=require-pap ;;
	chap-md5) req=require-chap ;;
	mschap) req=require-mschap ;;
	mschap-v2) req=require-mschap-v2 ;;
	eap-*) req=require-eap ;;
	any) req=auth ;;
	none) req=noauth ;;
	esac
	{
		printf '%s\n' "name pptpd" "$req" nodefaultroute lock nologfd
		printf '%s\n' "ms-dns 10.98.0.53" "ms-wins 10.98.0.54"
		common_options
	} >/etc/ppp/pptpd-options
	cp /etc/ppp/pptpd-options "$SHARE/"
}

server_start() # sets PPTPD
{
	cat >/etc/pptpd.conf <<-END
	option /etc/ppp/pptpd-options
	localip 10.98.0.1
	remoteip 10.98.0.100-119
	$([ "$DEBUG" = 0 ] || echo debug)
	${PPTPD_CONF:-}
	END
	cp /etc/pptpd.conf "$SHARE/"
	pptpd --fg </dev/null >>"$SHARE/pptpd.out" 2>&1 &
	PPTPD=$!
	i=0 # 06BB is port 1723; 0A is LISTEN
	while ! grep -q ':06BB 00000000:0000 0A' /proc/net/tcp; do
		i=$((i + 1))
		[ $i -lt 100 ] || { echo "pptpd does not listen"; return 1; }
		sleep 0.1
	done
}
