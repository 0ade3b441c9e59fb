/* Standard input, output and error, as we were started with them. */
#pragma once

/*
 * Those that are closed are taken, by something that can be neither read nor written, as ever; else the first socket would
 * get such a number, and its peer what is printed. For each command, before anything is opened.
 */
void standard_reserve(void);

/* Writes what was printed to the end. 0; -1: some of it is lost, which is said on standard error in the name of `program`. */
int standard_flush(const char *program);
