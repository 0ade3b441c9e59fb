/* `greyline bench SERVER`: a load generator; many calls from one process, each pinging through its
 * tunnel. */
#pragma once

int bench_main(int argc, char **argv);
