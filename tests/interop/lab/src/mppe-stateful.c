/*
 * A plugin for pppd 2.4.9: asks for stateful MPPE. pppd by itself only ever asks for stateless mode
 * ("mppe-stateful" merely accepts what the peer asks for), so two pppds never end up in stateful
 * mode without this.
 */
#include <stdint.h>

/* each needs what stands before it */
#include <pppd/pppd.h>

#include <pppd/fsm.h>

#include <pppd/ccp.h>

char pppd_version[] = VERSION;
#define STATEFUL 0x04 /* MPPE_OPT_STATEFUL of pppd/mppe.h */

static void phase_changed(void *ctx, int p)
{
	(void)ctx;
	if (p == PHASE_AUTHENTICATE && ccp_wantoptions[0].mppe)
		ccp_wantoptions[0].mppe |= STATEFUL;
}

void plugin_init(void)
{
	add_notifier(&phasechange, phase_changed, 0);
}
