/*
 * `greyline ctl`: asks a running server or client over its control socket.
 */
#pragma once

/* The command. Exit status: 0 done, 1 no answer or an error as the answer, 2 usage. */
int ctl_main(int argc, char **argv);
