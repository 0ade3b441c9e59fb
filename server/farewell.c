/* Good-byes of a server that stops: see farewell.h. */
#include "server/farewell.h"

unsigned int farewell_share(unsigned int waiting, unsigned int ending, uint64_t ticks)
{
	uint64_t share = ticks ? (waiting + ticks - 1) / ticks : waiting;

	if (share < FAREWELL_LEAST)
		share = FAREWELL_LEAST;
	if (ending < FAREWELL_BURST && share < FAREWELL_BURST - ending)
		share = FAREWELL_BURST - ending;
	return share < waiting ? (unsigned int)share : waiting;
}
